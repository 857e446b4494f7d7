"""Business dates and instants as whole numbers, and their texts."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from schemas.records import Day, Instant

DAY_MS: Final = 86_400_000
JAKARTA_MS: Final = 7 * 3_600_000  # WIB is UTC+7 the year round
EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT_MIN: Final = (date(2000, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY_MS
INSTANT_END: Final = (date(2200, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY_MS

# The range of effective_on (SEMANTICS 1). It begins early enough to report old hires with their true dates.
EFFECTIVE_FIRST: Final[Day] = 0
YEARS_AHEAD_MAX: Final = 1  # after the date of recording

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_MILLISECOND: Final = timedelta(milliseconds=1)


def jakarta_day(at: Instant) -> Day:
    """The Asia/Jakarta date of an instant."""
    return (at + JAKARTA_MS) // DAY_MS


def jakarta_midnight(on: Day) -> Instant:
    """The instant at which a business date begins."""
    return on * DAY_MS - JAKARTA_MS


BUSINESS_DATE_MAX: Final = jakarta_day(INSTANT_END - 1)
"""The last business date that a book can reach: 2200-01-01, on which the last instant lies in Jakarta."""


@lru_cache(maxsize=1 << 14)
def day(text: str) -> Day:
    """YYYY-MM-DD -> day; ValueError for anything else."""
    if not _DATE.fullmatch(text):
        raise ValueError("a date is written YYYY-MM-DD")
    return date.fromisoformat(text).toordinal() - EPOCH_ORDINAL


@lru_cache(maxsize=1 << 14)
def day_text(on: Day) -> str:
    """Day -> YYYY-MM-DD."""
    return date.fromordinal(on + EPOCH_ORDINAL).isoformat()


def instant(text: str) -> Instant:
    """RFC 3339 with an offset -> milliseconds, rounded down; ValueError for anything else."""
    if not _INSTANT.fullmatch(text):
        raise ValueError("an instant is written YYYY-MM-DDTHH:MM:SS+HH:MM")
    at = (datetime.fromisoformat(text.upper()) - EPOCH) // _MILLISECOND
    if not is_instant(at):
        raise ValueError("an instant lies in 2000 to 2199")
    return at


def is_instant(at: int) -> bool:
    """Whether a number is an instant of the contract (2000 to 2199)."""
    return INSTANT_MIN <= at < INSTANT_END


def instant_text(at: Instant) -> str:
    """Milliseconds -> RFC 3339 in UTC."""
    return (EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=1 << 12)
def effective_range(recorded_on: Day) -> tuple[Day, Day]:
    """The first and last effective_on of a fact that is recorded on this date."""
    return EFFECTIVE_FIRST, _years_from(recorded_on, YEARS_AHEAD_MAX)


def _years_from(on: Day, years: int) -> Day:
    then = date.fromordinal(on + EPOCH_ORDINAL)
    try:
        moved = then.replace(year=then.year + years)
    except ValueError:  # 29 February in a year without one
        moved = then.replace(year=then.year + years, day=28)
    return moved.toordinal() - EPOCH_ORDINAL
