"""The ids of a roster's facts: the same comparison gives the same ids, so that what is sent twice counts once."""

import hashlib
from collections.abc import Container, Iterator
from itertools import count
from typing import Final

from schemas.dates import day_text
from schemas.records import Day, Fact
from schemas.vocabulary import (
    ACTIONS,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    HIRE,
    KINDS,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
    programme_names,
)

DIGITS: Final = 24


def content_digest(fact: Fact, attempt: int = 1) -> str:
    """The first hex digits of SHA-256 over a fact's content without `event_id` and `occurred_at` (SEMANTICS 11).

    A further attempt is the same content with the attempt's number as a last line.
    """
    lines = [
        KINDS[fact.kind],
        fact.company_id,
        fact.worker_id,
        day_text(fact.effective_on),
        fact.source,
        *_own_fields(fact),
        *([str(attempt)] if attempt > 1 else []),
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:DIGITS]


def _own_fields(fact: Fact) -> list[str]:
    if fact.kind == HIRE:
        return [EMPLOYMENT_TYPES[fact.detail]]
    if fact.kind == TERMINATION:
        return [TERMINATION_REASONS[fact.detail]]
    if fact.kind == ENROLLMENT:
        return [ACTIONS[1 if fact.detail & WITHDRAWN else 0], "+".join(programme_names(fact.detail))]
    return [fact.corrects]


def roster_ids(fact: Fact, day: Day) -> Iterator[str]:
    """The ids that a fact of the roster of this day may have, the usual one first."""
    date = day_text(day).replace("-", "")
    return (f"roster.{date}.{content_digest(fact, attempt)}" for attempt in count(1))


def with_free_id(fact: Fact, day: Day, taken: Container[str]) -> Fact:
    """The fact with its id. One whose usual id the book knows already, and which is needed nevertheless (it was
    corrected, or a later fact of the day took it back), would be passed over: it takes the next id that is free."""
    return fact._replace(event_id=next(each for each in roster_ids(fact, day) if each not in taken))


def made_before(fact: Fact, day: Day, taken: Container[str], in_force: Container[str]) -> bool:
    """Whether the roster of this day has made this fact already, and it is in force."""
    for event_id in roster_ids(fact, day):
        if event_id in in_force:
            return True
        if event_id not in taken:
            return False
    raise AssertionError("there is always a free id")
