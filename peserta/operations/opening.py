"""Opening a book: the days of grace of its first generation are recorded once, before any book-keeper folds.

Without that record, two book-keepers that start an empty book at the same time with different days of grace would fold
their partitions by different rules, and nobody would notice.
"""

from typing import Final

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt

from peserta.operations.failure import Rejected
from peserta.operations.folding_code import digest_of_code
from peserta.operations.generations import check_fits, read_generations
from peserta.operations.rebuild.announcement import Announcement
from peserta.settings import Settings
from schemas.generation import FIRST, Generation

ATTEMPTS_MAX: Final = 20  # several commands may open a book at once, and a later writer fences an earlier one


async def open_book(settings: Settings) -> None:
    """Record the settings' days of grace for the first generation, unless another command has done so.

    Raises Unfit if other days are recorded, and Unavailable if Kafka does not answer.
    """
    attempts = AsyncRetrying(
        retry=retry_if_exception_type(Rejected), stop=stop_after_attempt(ATTEMPTS_MAX), reraise=True
    )
    await attempts(_open, settings)


async def _open(settings: Settings) -> None:
    # A writer that is opened later fences this one. The next attempt then reads what the later writer recorded.
    async with await Announcement.open(settings) as announcement:
        current = (await read_generations(settings)).current
        if current.grace_days is None and current.number == FIRST:
            await announcement.stands(Generation(FIRST, grace_days=settings.grace_days))
        else:
            check_fits(current, digest_of_code(), settings.grace_days)
