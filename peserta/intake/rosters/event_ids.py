"""The ids of a roster's facts: the same comparison gives the same ids, so that what is sent twice counts once."""

from collections.abc import Container, Iterator
from hashlib import sha256
from itertools import count

from peserta.intake.sheets.facts import EVENT_ID_DIGITS, content_digest
from schemas.dates import day_text
from schemas.records import Day, Fact


def roster_ids(fact: Fact, day: Day) -> Iterator[str]:
    """The ids that a fact of the roster of this day may have: the one of SEMANTICS 11 first, then those made of its
    digest and the number of the attempt, from 2."""
    begin, digest = f"roster.{day_text(day).replace('-', '')}.", content_digest(fact)
    yield begin + digest
    for attempt in count(2):
        yield begin + sha256(f"{digest}\n{attempt}".encode()).hexdigest()[:EVENT_ID_DIGITS]


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
