"""What the book remembers of one worker: a row of bytes, the same in memory, at rest and in the changelog.

The row is the head of the timeline, followed by the remembered facts in order of arrival, including void ones and
corrections. A fact in order (the common case) is appended, and only the head is decoded.
"""

import struct
from typing import Final

from schemas.records import Fact
from schemas.vocabulary import APPLIED, CORRECTION, DUPLICATE, ID_CONFLICT, NO_EFFECT, TOO_MANY_FACTS
from streams.core.postings import difference, difference_of_many
from streams.core.timeline import NOBODY, Remembered, extend, may_renew, timeline

FACTS_PER_WORKER_MAX: Final = 1000  # void ones and corrections included (SEMANTICS 2)

_HEAD: Final = struct.Struct("<iqBiHHH")  # TimelineHead, then the number of facts
_FACT: Final = struct.Struct("<iqBBHB")  # effective_on, occurred_at, kind, detail, bytes of rest, bytes of event_id
_EMPTY: Final = _HEAD.pack(*NOBODY, 0)

# disposition, new row (None: as it was), lines
Remembrance = tuple[str, bytes | None, list[int]]


def remember(row: bytes | None, fact: Fact, grace_days: int) -> Remembrance:
    """Add a fact to a worker's row (SEMANTICS 2 to 4): disposition, new row, lines."""
    kind, detail, event, _, _, on, at, _, corrects = fact
    event_id = event.encode()
    if row is None:
        row = _EMPTY
    elif event_id in row or (kind == CORRECTION and corrects.encode() in row):
        return _refold(row, fact, grace_days)  # a known or corrected id, or only part of another text
    last_on, last_at, last_kind, start, eve, situation, count = _HEAD.unpack_from(row)
    if count >= FACTS_PER_WORKER_MAX:
        return TOO_MANY_FACTS, None, []
    head = last_on, last_at, last_kind, start, eve, situation
    lines: list[int] = []
    if kind != CORRECTION:
        if on < last_on or (on == last_on and (at < last_at or (at == last_at and kind <= last_kind))):
            return _refold(row, fact, grace_days)
        if on == last_on and may_renew(head, on, kind, detail):
            return _refold(row, fact, grace_days)
        head, was, now = extend(head, on, at, kind, detail, grace_days)
        lines = difference(was, now)
    row = _HEAD.pack(*head, count + 1) + row[_HEAD.size :] + _packed(fact, event_id)
    return APPLIED if lines else NO_EFFECT, row, lines


def _refold(row: bytes, fact: Fact, grace_days: int) -> Remembrance:
    """The general case, for late facts, corrections and repeats. Its cost grows with the worker's facts."""
    facts = unpacked(row)
    packed = _packed(fact, fact.event_id.encode())
    mine = _unpacked_at(packed, 0)[0]
    for known in facts:
        if known[3] == mine[3]:
            return (DUPLICATE if known == mine else ID_CONFLICT), None, []
    if len(facts) >= FACTS_PER_WORKER_MAX:
        return TOO_MANY_FACTS, None, []
    _, was = timeline(in_force(facts), grace_days)
    facts.append(mine)
    head, now = timeline(in_force(facts), grace_days)
    lines = difference_of_many(was, now)
    row = _HEAD.pack(*head, len(facts)) + row[_HEAD.size :] + packed
    return APPLIED if lines else NO_EFFECT, row, lines


def in_force(facts: list[Remembered]) -> list[Remembered]:
    """The facts that are not void, in the order of SEMANTICS 3."""
    void = {fact[5].split(b" ", 1)[0] for fact in facts if fact[2] == CORRECTION}
    return sorted(fact for fact in facts if fact[2] != CORRECTION and fact[3] not in void)


def _packed(fact: Fact, event_id: bytes) -> bytes:
    """A fact as it is remembered: enough to distinguish a duplicate from a conflict, and to fold the timeline again."""
    kind, detail, _, _, _, on, at, source, corrects = fact
    rest = source.encode()
    if kind == CORRECTION:
        rest = corrects.encode() + b" " + rest
    return _FACT.pack(on, at, kind, detail, len(rest), len(event_id)) + event_id + rest


def _unpacked_at(row: bytes, at: int) -> tuple[Remembered, int]:
    """The remembered fact at this position of a row, and the position after it."""
    on, occurred_at, kind, detail, rest_bytes, id_bytes = _FACT.unpack_from(row, at)
    id_at = at + _FACT.size
    rest_at = id_at + id_bytes
    end = rest_at + rest_bytes
    return (on, occurred_at, kind, row[id_at:rest_at], detail, row[rest_at:end]), end


def unpacked(row: bytes) -> list[Remembered]:
    """The remembered facts of a row, in order of arrival."""
    facts = []
    at = _HEAD.size
    while at < len(row):
        fact, at = _unpacked_at(row, at)
        facts.append(fact)
    return facts
