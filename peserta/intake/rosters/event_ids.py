"""The ids of a roster's facts: the same comparison gives the same ids, so that facts sent twice count once."""

from collections.abc import Container, Iterator
from hashlib import sha256
from itertools import count

from peserta.intake.sheets.facts import EVENT_ID_DIGITS, content_digest
from schemas.dates import day_text
from schemas.records import Day, Fact


def roster_ids(fact: Fact, day: Day) -> Iterator[str]:
    """The ids that a fact of the roster of this day may have.

    The id of SEMANTICS 11 comes first, then those made of its digest and the number of the attempt, from 2.
    """
    begin, digest = f"roster.{day_text(day).replace('-', '')}.", content_digest(fact)
    yield begin + digest
    for attempt in count(2):
        yield begin + sha256(f"{digest}\n{attempt}".encode()).hexdigest()[:EVENT_ID_DIGITS]


def with_free_id(fact: Fact, day: Day, taken: Container[str]) -> Fact:
    """The fact with its first free id.

    The usual id of a fact may be known to the book although the fact is needed: it was corrected, or a later fact of
    the day reversed it. With that id the book would skip the fact, so it gets the next free one.
    """
    return fact._replace(event_id=next(each for each in roster_ids(fact, day) if each not in taken))


def made_before(fact: Fact, day: Day, taken: Container[str], in_force: Container[str]) -> bool:
    """Whether this day's roster has already produced this fact, and the fact is in force."""
    for event_id in roster_ids(fact, day):
        if event_id in in_force:
            return True
        if event_id not in taken:
            return False
    raise AssertionError("there is always a free id")
