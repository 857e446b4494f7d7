"""Records of every topic that the sink reads, as plain data and as the codecs write them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from schemas.codec import JournalCodec, OutputCodec
from schemas.records import (
    Alert,
    Company,
    CompanySet,
    Coordinates,
    DeadLetter,
    Entry,
    Fact,
    FactEntry,
    Figures,
    LedgerRecord,
    Policy,
    PolicyEnded,
    PolicySet,
    PolicyStatus,
    Posting,
    Snapshot,
    Tick,
    Window,
)
from schemas.vocabulary import (
    APPLIED,
    CLASSES,
    EMPLOYMENT_TYPE_NUMBER,
    HIRE,
    OUTSIDE,
    SETTLED_CLASS,
    ClassParts,
    programme_set,
)

OUTPUT = OutputCodec()
JOURNAL = JournalCodec()

EPOCH = date(1970, 1, 1)
JKK_JKM = programme_set(("JKK", "JKM"))


class Kept(NamedTuple):
    """A record as the sink sees it."""

    offset: int
    value: bytes | None
    key: bytes | None = b"C1"


def day(iso: str) -> int:
    return (date.fromisoformat(iso) - EPOCH).days


def instant(iso: str) -> int:
    return int(datetime.fromisoformat(iso).replace(tzinfo=UTC).timestamp() * 1000)


def kept(values: Iterable[bytes], first: int = 0) -> list[Kept]:
    return [Kept(offset, value) for offset, value in enumerate(values, start=first)]


# ---- journal


def fact_entry(offset: int = 0, recorded: str = "2025-09-01T03:00:00", **own: object) -> FactEntry:
    """A hire of w1 at C1, but for what is named."""
    fact = Fact(
        HIRE,
        EMPLOYMENT_TYPE_NUMBER["daily"],
        f"e{offset}",
        "C1",
        "w1",
        day("2025-09-01"),
        instant("2025-09-01T02:00:00"),
        "hris",
        "",
    )
    came_from = Coordinates("workforce.facts.v1", 0, 100 + offset)
    return FactEntry(came_from, instant(recorded), fact._replace(**own))  # type: ignore[arg-type]


def company_set(offset: int, company: Company) -> CompanySet:
    return CompanySet(Coordinates("coverage.companies.v1", 0, offset), instant("2025-09-01T00:00:00"), company)


def policy_set(offset: int, policy: Policy) -> PolicySet:
    return PolicySet(Coordinates("coverage.policies.v1", 0, offset), instant("2025-09-01T00:00:00"), policy)


def policy_ended(offset: int, policy_id: str) -> PolicyEnded:
    return PolicyEnded(Coordinates("coverage.policies.v1", 0, offset), instant("2025-09-02T00:00:00"), policy_id)


def tick(on: str) -> Tick:
    return Tick(Coordinates("clock", 0, day(on)), instant(f"{on}T00:00:00"), day(on))


def journal_values(entries: Iterable[Entry]) -> list[bytes]:
    return [JOURNAL.encode(entry) for entry in entries]


# ---- ledger


def inside(employment_type: str = "daily", *programmes: str, new: bool = False) -> ClassParts:
    return ClassParts(EMPLOYMENT_TYPE_NUMBER[employment_type], programme_set(programmes), new)


def line(value_on: str, before: ClassParts | None, after: ClassParts | None, quantity: int = 1) -> Posting:
    return Posting(day(value_on), before, after, quantity)


def ledger_record(
    offset: int,
    lines: Sequence[Posting] = (),
    *,
    partition: int = 0,
    company_id: str = "C1",
    recorded: str = "2025-09-01T03:00:00",
    disposition: str = APPLIED,
) -> LedgerRecord:
    return LedgerRecord(partition, offset, instant(recorded), company_id, f"e{offset}", disposition, tuple(lines))


def ledger_value(record: LedgerRecord) -> bytes:
    at = (record.partition, record.offset, record.recorded_at)
    numbers = [_number(posting) for posting in record.lines]
    return OUTPUT.encode_ledger(at, record.company_id, record.event_id, record.disposition, numbers)


def _number(posting: Posting) -> int:
    before, after = _class_number(posting.before), _class_number(posting.after)
    return posting.value_on << 21 | before << 11 | after << 1 | (posting.quantity > 0)


def _class_number(parts: ClassParts | None) -> int:
    if parts is None:
        return OUTSIDE
    number = SETTLED_CLASS[parts.employment_type, parts.programmes] + parts.new
    assert CLASSES[number] == parts
    return number


# ---- snapshots, alerts, dead letters


def snapshot(offset: int, as_of: str = "2025-09-30", active: int = 10, company_id: str = "C1") -> Snapshot:
    figures = Figures(
        company_id=company_id,
        as_of=day(as_of),
        active=active,
        covered=4,
        uncovered_new=1,
        enrolled=(1, 4, 5, 0, 2, 3),
        by_employment_type=(
            (EMPLOYMENT_TYPE_NUMBER["daily"], active - 3, 1),
            (EMPLOYMENT_TYPE_NUMBER["permanent"], 3, 3),
        ),
        coverage_bp=10000 * 4 // active,
        coverage_due_bp=10000 * 4 // (active - 1),
        windows=(Window(1, 2, 3, 4, 5, None), Window(6, 7, 8, 9, 10, 11), Window(12, 13, 14, 15, None, 17)),
        policies=(
            PolicyStatus("footwear", 2, 2000, "met", day("2025-09-05"), 0, 3, 5),
            PolicyStatus("half", 1, 5000, "not_evaluable", None, None, why="too_few"),
        ),
    )
    return Snapshot(figures, 0, offset, instant("2025-09-30T01:00:00"))


def alert(status: str = "firing", offset: int = 7, episode: int = 1) -> Alert:
    return Alert(
        alert_id=f"C1/footwear/{episode}",
        status=status,
        reason="crossed" if status == "firing" else "recovered",
        company_id="C1",
        policy_id="footwear",
        policy_version=2,
        rule="level",
        threshold_bp=2000,
        business_date=day("2025-09-30"),
        episode=episode,
        episode_start=day("2025-09-30"),
        previous_state="met",
        active=10,
        covered=1,
        divisor=10,
        coverage_bp=1000,
        gap_people=1,
        baseline_covered=None,
        baseline_divisor=None,
        uncovered=9,
        joined_30=3,
        left_30=1,
        gained_cover_30=0,
        lost_cover_30=2,
        cause="fact",
        event_id="e7",
        journal_partition=0,
        journal_offset=offset,
        recorded_at=instant("2025-09-30T01:00:00"),
    )


def dead_letter(source_offset: int, recorded: str = "2025-09-30T01:00:00") -> DeadLetter:
    return DeadLetter(
        came_from=Coordinates("workforce.facts.v1", 0, source_offset),
        recorded_at=instant(recorded),
        reason="invalid_field",
        event_id=None,
        source="hris",
        key=b"C1",
        value=b"a secret payload",
        key_bytes=2,
        value_bytes=16,
        field="event_id",
        rule="must be 1 to 64 of A-Z a-z 0-9 . _ : -",
    )
