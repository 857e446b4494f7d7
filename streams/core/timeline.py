"""The timeline of one worker at one company (SEMANTICS 3): facts in order -> changes of class.

A `TimelineHead` is a worker's situation after some facts. It determines every change of class from the date of the
last fact on, so that the next fact in order needs nothing else: `extend` returns the changes that the fact takes back
and those that it makes. Folding a whole timeline is extending it fact by fact.

One rule needs several facts of a day: the end of a contract is ignored when the worker was inside on the day before and
is hired on that day (a renewal). `may_renew` says whether the next fact can make one; then the day is folded again.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.ledger_lines import Change, change
from schemas.records import Day, Instant
from schemas.vocabulary import (
    ALL_PROGRAMMES,
    CLASSES,
    CONTRACT_ENDED,
    HIRE,
    OUTSIDE,
    PROGRAMMES,
    SETTLED_CLASS,
    TERMINATION,
    WITHDRAWN,
)

LONG_AGO: Final = -(1 << 31)  # before every date
NEVER: Final[Day] = 1 << 40  # after every date

# A situation is (employment type + 1) << 6 | programmes; without an employment type the worker is outside.
_TYPE_SHIFT: Final = len(PROGRAMMES)
_INSIDE: Final = 1 << _TYPE_SHIFT

# (date, moment, kind of the last fact, start of the spell, class on the eve of that date, situation)
TimelineHead = tuple[Day, Instant, int, Day, int, int]
NOBODY: Final[TimelineHead] = (LONG_AGO, 0, 0, 0, OUTSIDE, 0)


class WorkerState(NamedTuple):
    """A worker after some facts; without an employment type outside. Programmes may be held outside: an enrollment may
    precede the hire."""

    employment_type: int | None
    programmes: int


# (effective_on, occurred_at, kind, event_id, detail, ...) as the fold needs it; sorts as SEMANTICS 3 says.
Remembered = tuple[Day, Instant, int, bytes, int, bytes]


def _settled_classes() -> list[Change]:
    """situation -> its class without `new`; the class with it is the next number."""
    classes = [OUTSIDE] * (len({parts.employment_type for parts in CLASSES if parts}) + 1 << _TYPE_SHIFT)
    for (employment_type, programmes), number in SETTLED_CLASS.items():
        classes[employment_type + 1 << _TYPE_SHIFT | programmes] = number
    return classes


_SETTLED: Final = _settled_classes()


def extend(
    head: TimelineHead, on: Day, at: Instant, kind: int, detail: int, grace_days: int
) -> tuple[TimelineHead, list[Change], list[Change]]:
    """Add a fact that sorts last -> (new head, changes that no longer hold, changes that hold instead)."""
    last_on, _, _, start, eve, situation = head
    if on > last_on:
        eve = _SETTLED[situation]
        was = []
        if eve and on <= start + grace_days:  # still new on the eve: the end of its grace period is taken back
            was = [change(start + grace_days, eve + 1, eve)]
            eve += 1
    else:
        was = _tail(on, eve, situation, start + grace_days)
    if kind == HIRE:
        if situation < _INSIDE:
            start = on
        situation = detail + 1 << _TYPE_SHIFT | situation & ALL_PROGRAMMES
    elif kind == TERMINATION:
        if situation >= _INSIDE:
            situation = 0
    elif detail & WITHDRAWN:
        situation &= ~(detail & ALL_PROGRAMMES)
    else:
        situation |= detail
    return (on, at, kind, start, eve, situation), was, _tail(on, eve, situation, start + grace_days)


def _tail(on: Day, eve: int, situation: int, grace_ends: Day) -> list[Change]:
    """The changes from `on` onwards, given the class on its eve and the situation at its end."""
    settled = _SETTLED[situation]
    if not settled or on >= grace_ends:
        return [] if eve == settled else [change(on, eve, settled)]
    now = settled + 1
    ends = change(grace_ends, now, settled)
    return [ends] if eve == now else [change(on, eve, now), ends]


def may_renew(head: TimelineHead, on: Day, kind: int, detail: int) -> bool:
    """Whether a fact that sorts last can make a renewal, which `extend` does not handle.

    A renewal needs two facts of one date, a hire and the end of a contract, and a worker who was inside the day before.
    """
    last_on, _, _, _, eve, situation = head
    if on != last_on or eve == OUTSIDE:
        return False
    return situation < _INSIDE if kind == HIRE else kind == TERMINATION and detail == CONTRACT_ENDED


def timeline(facts: Sequence[Remembered], grace_days: int) -> tuple[TimelineHead, list[Change]]:
    """Fold sorted facts, none of them void -> the head, and all changes of class in order of date."""
    head = NOBODY
    changes: list[Change] = []
    hired_on = {on for on, _, kind, _, _, _ in facts if kind == HIRE}
    for on, at, kind, _, detail, _ in facts:
        if kind == TERMINATION and detail == CONTRACT_ENDED and on in hired_on and _inside_on_eve(head, on):
            continue  # a renewal: the hire of the same day goes on with the spell
        head, was, now = extend(head, on, at, kind, detail, grace_days)
        if was != now:
            del changes[len(changes) - len(was) :]
            changes += now
    return head, changes


def state_of(head: TimelineHead) -> WorkerState:
    """The worker's state at the end of the date of the last fact."""
    situation = head[5]
    employment_type = (situation >> _TYPE_SHIFT) - 1
    return WorkerState(None if employment_type < 0 else employment_type, situation & ALL_PROGRAMMES)


def _inside_on_eve(head: TimelineHead, on: Day) -> bool:
    """Whether the worker is inside at the end of the day before `on`, which is not before the head's date."""
    last_on, _, _, _, eve, situation = head
    return eve != OUTSIDE if on == last_on else situation >= _INSIDE
