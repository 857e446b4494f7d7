"""What a roster says: who works at a company at the end of a day, a row a worker (SEMANTICS 11)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.dates import DAY_MS, jakarta_midnight
from schemas.records import Day, Instant
from schemas.vocabulary import EMPLOYMENT_TYPE_NUMBER

SOURCE_DEFAULT: Final = "roster"
UNSPECIFIED: Final = EMPLOYMENT_TYPE_NUMBER["unspecified"]
LAST_SECOND_MS: Final = DAY_MS - 1_000  # 23:59:59 in Jakarta, which is 16:59:59Z


@dataclass(frozen=True, slots=True)
class Roll:
    """Of whom the roster is, and when: `source` is that of the facts it becomes."""

    company_id: str
    day: Day
    source: str = SOURCE_DEFAULT

    @property
    def closes_at(self) -> Instant:
        """The last second of the day in Jakarta: the earliest `occurred_at` of a fact of the roster."""
        return jakarta_midnight(self.day) + LAST_SECOND_MS


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A worker who is there. `programmes` are a mask of those held; `row` is the number of the row in the file."""

    row: int
    worker_id: str
    employment_type: int = UNSPECIFIED
    programmes: int = 0
    started_on: Day | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """Who stands in refused rows: nobody of `workers` is ended, and nobody at all if `is_anybody`, because a row does
    not tell whom it means."""

    workers: frozenset[str] = frozenset()
    is_anybody: bool = False

    def may_be(self, worker_id: str) -> bool:
        """Whether a refused row may mean this worker."""
        return self.is_anybody or worker_id in self.workers


@dataclass(frozen=True, slots=True)
class Roster:
    """`columns` is a mask of the programmes of which the file has a column; of the others it says nothing. Each worker
    has one row."""

    roll: Roll
    rows: tuple[RosterRow, ...]
    columns: int
    unread: Unread = Unread()


def repeated(rows: Iterable[RosterRow]) -> tuple[list[RosterRow], list[RosterRow]]:
    """Rows of workers who have one row, and rows of workers who have more: the latter are all refused."""
    in_order = list(rows)
    times = Counter(row.worker_id for row in in_order)
    return [row for row in in_order if times[row.worker_id] == 1], [row for row in in_order if times[row.worker_id] > 1]
