"""Short builders of facts, entries, policies and companies: dates as text, and defaults for everything else."""

from typing import Final

from schemas.dates import day, instant, jakarta_midnight
from schemas.records import TICK_SOURCE, Coordinates, Day, Fact, FactEntry, Instant, Policy, Tick
from schemas.vocabulary import (
    CORRECTION,
    EMPLOYMENT_TYPE_NUMBER,
    ENROLLMENT,
    HIRE,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
    programme_set,
)

FACTS_TOPIC: Final = "workforce.facts.v1"
NOON_MS: Final = 12 * 3_600_000


def noon(on: Day | str) -> Instant:
    """12:00 in Jakarta on a date."""
    return jakarta_midnight(day(on) if isinstance(on, str) else on) + NOON_MS


def _fact(
    kind: int, detail: int, event_id: str, on: str, *, at: str | None, corrects: str, worker: str, company: str
) -> Fact:
    occurred_at = noon(on) if at is None else instant(at)
    return Fact(kind, detail, event_id, company, worker, day(on), occurred_at, "hris", corrects)


def hire(
    event_id: str,
    on: str,
    employment_type: str = "permanent",
    *,
    at: str | None = None,
    worker: str = "w1",
    company: str = "C1",
) -> Fact:
    detail = EMPLOYMENT_TYPE_NUMBER[employment_type]
    return _fact(HIRE, detail, event_id, on, at=at, corrects="", worker=worker, company=company)


def termination(
    event_id: str, on: str, reason: str = "resigned", *, at: str | None = None, worker: str = "w1", company: str = "C1"
) -> Fact:
    detail = TERMINATION_REASONS.index(reason)
    return _fact(TERMINATION, detail, event_id, on, at=at, corrects="", worker=worker, company=company)


def enrollment(
    event_id: str,
    on: str,
    programmes: str = "JKK JKM",
    *,
    withdrawn: bool = False,
    at: str | None = None,
    worker: str = "w1",
    company: str = "C1",
) -> Fact:
    detail = programme_set(programmes.split()) | (WITHDRAWN if withdrawn else 0)
    return _fact(ENROLLMENT, detail, event_id, on, at=at, corrects="", worker=worker, company=company)


def correction(
    event_id: str, corrects: str, on: str = "2025-01-01", *, worker: str = "w1", company: str = "C1"
) -> Fact:
    return _fact(CORRECTION, 0, event_id, on, at=None, corrects=corrects, worker=worker, company=company)


def entry(fact: Fact, offset: int, recorded: str | Instant | None = None) -> FactEntry:
    """A fact in the journal; recorded at noon of that date, else when it occurred."""
    recorded_at = fact.occurred_at if recorded is None else recorded if isinstance(recorded, int) else noon(recorded)
    return FactEntry(Coordinates(FACTS_TOPIC, 0, offset), recorded_at, fact)


def tick(on: str | Day) -> Tick:
    date = day(on) if isinstance(on, str) else on
    return Tick(Coordinates(TICK_SOURCE, 0, date), jakarta_midnight(date), date)


def level(policy_id: str = "P", threshold_bp: int = 5000, *, min_active: int = 1, hold_days: int = 0) -> Policy:
    """The simplest kind of policy, without hysteresis, in force from 2020."""
    return Policy(
        policy_id,
        threshold_bp,
        day("2020-01-01"),
        title=policy_id,
        min_active=min_active,
        hysteresis_bp=0,
        hold_days=hold_days,
    )
