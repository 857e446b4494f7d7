"""The statement of a company's account: opening figures, each change with what caused it, closing figures.

All of it is one reading of the ledger, so that opening + changes = closing whatever the sink inserts meanwhile
(SEMANTICS 14).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from peserta.operations.clickhouse_reading import ANSWER_LIMIT_S, analyst
from peserta.operations.coverage_reading import EVERYTHING_KNOWN, is_company
from peserta.operations.failure import Rejected, Unavailable
from peserta.settings import Settings
from schemas.dates import EPOCH_ORDINAL, day_text, instant_text, jakarta_day
from schemas.records import Day, Instant
from schemas.secret_file import SecretFault
from schemas.vocabulary import CORRECTION, KINDS

CHANGES_MAX: Final = 200_000
DOOR_LIMIT_S: Final = 10  # for a query of the HTTP door
CAUSE_FACT: Final = "fact"
CAUSE_CORRECTION: Final = "correction"

# One row for each journal entry and value date whose lines change a headcount, and one (of offset -1) for all that the
# opening figures have. An entry whose fact the sink has not inserted yet has no type, event_id or worker_id.
_SELECT: Final = """
WITH
    toDate32(parseDateTime64({from:String}, '%Y-%m-%d', 'UTC')) AS first_date,
    toDate32(parseDateTime64({to:String}, '%Y-%m-%d', 'UTC')) AS last_date,
    parseDateTime64BestEffort({known_at:String}, 3, 'UTC') AS known_until,
    lines AS
    (
        SELECT
            value_on < first_date AND recorded_at <= known_until AS is_opening,
            if(is_opening, -1, toInt64(partition)) AS entry_partition,
            if(is_opening, -1, toInt64(offset)) AS entry_offset,
            if(is_opening, first_date - 1, value_on) AS changed_on,
            any(recorded_at) AS entry_at,
            sum(quantity * (toInt64(inside_after) - toInt64(inside_before))) AS active_change,
            sum(quantity * (
                toInt64(inside_after AND hasAll(programmes_after, ['JKK', 'JKM']))
                - toInt64(inside_before AND hasAll(programmes_before, ['JKK', 'JKM']))
            )) AS covered_change
        FROM ledger
        WHERE company_id = {company:String} AND value_on <= last_date
        GROUP BY ALL
        HAVING active_change != 0 OR covered_change != 0 OR is_opening
    )
SELECT
    is_opening, changed_on, entry_at, facts.type, facts.event_id, facts.worker_id, active_change, covered_change,
    changed_on < first_date AS is_restated
FROM lines
LEFT JOIN (
    SELECT partition, offset, type, event_id, worker_id FROM journal WHERE company_id = {company:String}
) AS facts ON facts.partition = entry_partition AND facts.offset = entry_offset
ORDER BY is_opening DESC, is_restated DESC, changed_on, entry_partition, entry_offset
LIMIT {most:UInt32}
"""


@dataclass(frozen=True, slots=True)
class Balance:
    """People inside, and of them covered, at the end of a date."""

    on: Day
    active: int
    covered: int

    @property
    def uncovered(self) -> int:
        return self.active - self.covered


@dataclass(frozen=True, slots=True)
class Change:
    """What one journal entry changed on one value date, and the figures behind it, as far as the statement has come.

    `type`, `event_id` and `worker_id` are those of the entry's fact, None while the sink has not inserted it. `cause`
    is `fact` or `correction`. `late_days` is from the value date to the date of recording, 0 where that is not later.
    The end of a grace period moves neither figure, so it is never a change.
    """

    value_on: Day
    recorded_at: Instant
    type: str | None
    event_id: str | None
    worker_id: str | None
    active_change: int
    covered_change: int
    cause: str
    late_days: int
    active: int
    covered: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Opening figures at the end of the day before `first`, as known at `known_at` (None: all that is recorded), and
    what leads from them to the closing figures at the end of `last`, as known now: `restated`, the changes of days
    before `first` that were recorded after `known_at`, and `changes`, those of first..last. `is_known` is false for a
    company that the book has never heard of.
    """

    company_id: str
    first: Day
    last: Day
    known_at: Instant | None
    opening: Balance
    restated: tuple[Change, ...]
    changes: tuple[Change, ...]
    is_known: bool

    @property
    def closing(self) -> Balance:
        """The figures at the end of `last`."""
        every = (*self.restated, *self.changes)
        latest = every[-1] if every else self.opening
        return Balance(self.last, latest.active, latest.covered)


class WrongPeriod(Rejected):
    """A period that ends before it begins, or has too many changes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which statement: the value dates first..last, opened as known at `known_at` (None: all that is recorded), with
    at most so many changes."""

    company_id: str
    first: Day
    last: Day
    known_at: Instant | None = None
    most: int = CHANGES_MAX


class Statements(Protocol):
    """A source of statements."""

    async def statement(self, asked: Asked) -> Statement:
        """One statement. Raises WrongPeriod, and Failed without ClickHouse."""
        ...


class BookStatements:
    """States accounts of the current generation of an installation's book, each within seconds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def statement(self, asked: Asked) -> Statement:
        """See Statements."""
        return await asyncio.to_thread(self._statement, asked)

    def _statement(self, asked: Asked) -> Statement:
        try:
            return statement(self._settings, asked, limit_s=DOOR_LIMIT_S)
        except SecretFault as error:
            raise Unavailable(str(error)) from error


def statement(settings: Settings, asked: Asked, *, limit_s: int = ANSWER_LIMIT_S) -> Statement:
    """The statement of a company. WrongPeriod, and Failed when ClickHouse does not answer. Worker ids are the
    publishers' tokens."""
    company_id, first, last, known_at, most = astuple(asked)
    if last < first:
        raise WrongPeriod(f"The period ends on {day_text(last)}, before it begins on {day_text(first)}.")
    given = {
        "company": company_id,
        "from": day_text(first),
        "to": day_text(last),
        "known_at": instant_text(EVERYTHING_KNOWN if known_at is None else known_at),
        "most": most + 2,  # the opening, and one too many
    }
    with analyst(settings, limit_s=limit_s) as client:
        rows = client.query(_SELECT, parameters=given).result_rows
        is_known = bool(rows) or is_company(client, company_id)
    opening = Balance(first - 1, 0, 0)
    if rows and rows[0][0]:
        opening = Balance(first - 1, *rows[0][6:8])
        rows = rows[1:]
    if len(rows) > most:
        raise WrongPeriod(f"The period has more than {most} changes: choose a shorter one.")
    restated, changes = _changes(opening, rows)
    return Statement(company_id, first, last, known_at, opening, restated, changes, is_known)


def _changes(opening: Balance, rows: Sequence[Sequence[Any]]) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """The changes of days before the period, and those in it, each with the figures behind it."""
    active, covered = opening.active, opening.covered
    blocks: tuple[list[Change], list[Change]] = [], []
    for _, changed_on, recorded_at, kind, event_id, worker_id, active_change, covered_change, is_restated in rows:
        active, covered = active + active_change, covered + covered_change
        value_on = _day(changed_on)
        cause = CAUSE_CORRECTION if kind == KINDS[CORRECTION] else CAUSE_FACT
        at = _instant(recorded_at)
        late_days = max(0, jakarta_day(at) - value_on)
        change = Change(
            value_on, at, kind or None, event_id or None, worker_id or None,
            active_change, covered_change, cause, late_days, active, covered,
        )  # fmt: skip
        blocks[0 if is_restated else 1].append(change)
    return tuple(blocks[0]), tuple(blocks[1])


def _day(on: date) -> Day:
    return on.toordinal() - EPOCH_ORDINAL


def _instant(at: datetime) -> Instant:
    return round(at.timestamp() * 1000)


def statement_json(of: Statement) -> dict[str, Any]:
    """The statement as a JSON object: dates and instants as text."""
    return {
        "company_id": of.company_id,
        "from": day_text(of.first),
        "to": day_text(of.last),
        "known_at": None if of.known_at is None else instant_text(of.known_at),
        "opening": _balance_json(of.opening),
        "restated": [_change_json(each) for each in of.restated],
        "changes": [_change_json(each) for each in of.changes],
        "closing": _balance_json(of.closing),
    }


def _balance_json(of: Balance) -> dict[str, Any]:
    return {"on": day_text(of.on), "active": of.active, "covered": of.covered, "uncovered": of.uncovered}


def _change_json(of: Change) -> dict[str, Any]:
    return asdict(of) | {"value_on": day_text(of.value_on), "recorded_at": instant_text(of.recorded_at)}
