"""Opening a book: the days of grace of its first generation are recorded once, before any book-keeper folds.

Without that record, two book-keepers with different days of grace that begin an empty book at the same time would each
fold their partitions by another rule, and nobody would notice.
"""

from typing import Final

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt

from peserta.operations.failure import Rejected
from peserta.operations.folding_code import digest_of_code
from peserta.operations.generations import check_fits, read_generations
from peserta.operations.rebuild.announcement import Announcement
from peserta.settings import Settings
from schemas.generation import FIRST, Generation

ATTEMPTS_MAX: Final = 20  # commands that open the same book at the same time, each silenced by a later one


async def open_book(settings: Settings) -> None:
    """Record the settings' days of grace for the first generation, unless another command has done so.

    Unfit when the recorded days are others than those of the settings; Unavailable when Kafka does not answer.
    """
    attempts = AsyncRetrying(
        retry=retry_if_exception_type(Rejected), stop=stop_after_attempt(ATTEMPTS_MAX), reraise=True
    )
    await attempts(_open, settings)


async def _open(settings: Settings) -> None:
    # A writer that is opened later silences this one: then what the later one wrote is read in the next attempt.
    async with await Announcement.open(settings) as announcement:
        current = (await read_generations(settings)).current
        if current.grace_days is None and current.number == FIRST:
            await announcement.stands(Generation(FIRST, grace_days=settings.grace_days))
        else:
            check_fits(current, digest_of_code(), settings.grace_days)
