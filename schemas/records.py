"""Frozen records of everything that crosses a topic.

Dates are whole days since 1970-01-01 (`Day`), instants whole milliseconds since 1970-01-01T00:00Z (`Instant`): the
numbers that Avro's `date` and `timestamp-millis` carry. Sets of programmes and of employment types are masks
(schemas.vocabulary).
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from schemas.contacts import Contact
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, REQUIRED_DEFAULT, ClassParts

Day: TypeAlias = int
Instant: TypeAlias = int

# Makes a named tuple from a tuple of its fields, in a third of the time that calling its class takes.
from_fields: Final = tuple.__new__


class Fact(NamedTuple):
    """One fact about one worker at one company (SEMANTICS 1). A tuple, because hundreds of thousands pass a second.

    `detail` depends on `kind`: number of the employment type (hire), of the reason (termination), mask of programmes
    with or without WITHDRAWN (enrollment), 0 (correction). `corrects` is "" but for a correction.
    """

    kind: int
    detail: int
    event_id: str
    company_id: str
    worker_id: str
    effective_on: Day
    occurred_at: Instant
    source: str
    corrects: str


class Coordinates(NamedTuple):
    """The position of a record in Kafka."""

    topic: str
    partition: int
    offset: int


class FactEntry(NamedTuple):
    """Journal: a fact that passed validation.

    `original` is the published value if encoding the fact again would give other bytes (for example, because its set of
    programmes has another order), else None.
    """

    came_from: Coordinates
    recorded_at: Instant
    fact: Fact
    original: bytes | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """Figures of a company that the registry declares for a date."""

    on: Day
    active: int
    covered: int
    uncovered_new: int = 0
    required: int = REQUIRED_DEFAULT


@dataclass(frozen=True, slots=True)
class Company:
    """Registry entry of a company (SEMANTICS 6). `contacts` are plain text, `team` has the structured ones; the journal
    has neither."""

    company_id: str
    name: str | None = None
    kbli: str | None = None
    regency: str | None = None
    baselines: tuple[Baseline, ...] = ()
    contacts: tuple[str, ...] = ()
    team: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """The companies that a policy concerns: a company must match every list that is not None."""

    company_ids: tuple[str, ...] | None = None
    regencies: tuple[str, ...] | None = None
    kbli_prefixes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as dated data (SEMANTICS 6). `_bp` are basis points; dates are inclusive."""

    policy_id: str
    threshold_bp: int
    effective_from: Day
    version: int = 1
    title: str = ""
    rule: str = "level"
    required: int = REQUIRED_DEFAULT
    clock: str = "raw"
    employment_types: int = ALL_EMPLOYMENT_TYPES
    scope: Scope = Scope()
    min_active: int = 5
    hysteresis_bp: int = 200
    hold_days: int = 0
    effective_until: Day | None = None
    baseline_on: Day | None = None


@dataclass(frozen=True, slots=True)
class CompanySet:
    """Journal: the registry entry of a company applies from here."""

    came_from: Coordinates
    recorded_at: Instant
    company: Company


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Journal: a policy, or a new version of it, applies from here."""

    came_from: Coordinates
    recorded_at: Instant
    policy: Policy


@dataclass(frozen=True, slots=True)
class PolicyEnded:
    """Journal: a policy was withdrawn."""

    came_from: Coordinates
    recorded_at: Instant
    policy_id: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Journal: a business date has begun.

    Its source is the topic TICK_SOURCE with the date as offset, so that only the first Tick of a date counts.
    """

    came_from: Coordinates
    recorded_at: Instant
    on: Day


Entry: TypeAlias = FactEntry | CompanySet | PolicySet | PolicyEnded | Tick

TICK_SOURCE = "@clock"  # no topic can have this name


class Posting(NamedTuple):
    """One line of the ledger (SEMANTICS 4) with its classes; None is OUTSIDE."""

    value_on: Day
    before: ClassParts | None
    after: ClassParts | None
    quantity: int


class LedgerRecord(NamedTuple):
    """coverage.ledger.v1: what one fact of the journal did. `chain` covers all records before it (schemas.chain)."""

    partition: int
    offset: int
    recorded_at: Instant
    company_id: str
    event_id: str
    disposition: str
    lines: tuple[Posting, ...]
    chain: bytes = b""


@dataclass(frozen=True, slots=True)
class Alert:
    """coverage.alerts.v1: a crossing (SEMANTICS 7). None where there is no value."""

    alert_id: str
    status: str
    reason: str
    company_id: str
    policy_id: str
    policy_version: int
    rule: str
    threshold_bp: int
    business_date: Day
    episode: int
    episode_start: Day
    previous_state: str
    active: int
    covered: int
    divisor: int
    coverage_bp: int | None
    gap_people: int | None
    baseline_covered: int | None
    baseline_divisor: int | None
    uncovered: int
    joined_30: int
    left_30: int
    gained_cover_30: int
    lost_cover_30: int
    cause: str
    event_id: str | None
    journal_partition: int
    journal_offset: int
    recorded_at: Instant


class Window(NamedTuple):
    """Rolling window of N days (SEMANTICS 5)."""

    joined: int
    left: int
    gained_cover: int
    lost_cover: int
    mean_coverage_bp: int | None
    min_coverage_bp: int | None


class PolicyStatus(NamedTuple):
    """The state of a company under a policy. The baseline is null for `level` and when not evaluable, `why` (one of
    WHY_NOT_EVALUABLE) when evaluable; snapshots of the first version have none of the three."""

    policy_id: str
    version: int
    threshold_bp: int
    state: str
    since: Day | None
    gap_people: int | None
    baseline_covered: int | None = None
    baseline_divisor: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a company on a business date (SEMANTICS 5).

    `enrolled` follows PROGRAMMES; `by_employment_type` has (type number, active, covered) for types with somebody
    inside; `windows` are those of WINDOW_DAYS.
    """

    company_id: str
    as_of: Day
    active: int
    covered: int
    uncovered_new: int
    enrolled: tuple[int, ...]
    by_employment_type: tuple[tuple[int, int, int], ...]
    coverage_bp: int | None
    coverage_due_bp: int | None
    windows: tuple[Window, ...]
    policies: tuple[PolicyStatus, ...]

    @property
    def uncovered(self) -> int:
        return self.active - self.covered


WINDOW_DAYS = (7, 30, 90)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """coverage.snapshots.v1: a company's figures after a journal entry."""

    figures: Figures
    partition: int
    offset: int
    recorded_at: Instant


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """workforce.dead-letters.v1: a refused record.

    `key` and `value` are the original bytes, None for the reason `national_id`. `field` is the wrong field and `rule`
    what it must be; both are None when the reason concerns no field.
    """

    came_from: Coordinates
    recorded_at: Instant
    reason: str
    event_id: str | None
    source: str | None
    key: bytes | None
    value: bytes | None
    key_bytes: int
    value_bytes: int
    field: str | None = None
    rule: str | None = None
