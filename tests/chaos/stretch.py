"""A stretch of a book: the time in which one scenario ran, and what belongs to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass
class Stretch:
    """From and to by the wall clock in seconds; `records` that were acknowledged in it, `repeats` of the recorder's
    that came in it, and the longest time that one of its facts waited for its ledger record."""

    began_at: float
    ended_at: float
    records: int
    repeats: int = 0
    stall_s: float = 0.0


def note_repeats(stretches: Sequence[Stretch], times_s: Iterable[float]) -> None:
    """Each repeat belongs to the stretch in which it was appended, or to the one before."""
    for at in times_s:
        if (stretch := _of(stretches, at)) is not None:
            stretch.repeats += 1


def note_stalls(stretches: Sequence[Stretch], waited: Iterable[tuple[float, float]]) -> None:
    """`waited`: for each fact, when it was acknowledged and how long it waited."""
    for at, seconds in waited:
        if (stretch := _of(stretches, at)) is not None:
            stretch.stall_s = max(stretch.stall_s, seconds)


def _of(stretches: Sequence[Stretch], at: float) -> Stretch | None:
    return next((one for one in reversed(stretches) if one.began_at <= at), None)
