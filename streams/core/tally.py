"""Counts kept up posting by posting: one number for each company, with fields for every scope that a policy counts.

A scope is a pair (programmes required, employment types). A class of workers weighs what one head in it adds to the
active, covered and uncovered_new of each scope, in fields of 32 bits, so that a posting is counted with one subtraction
and one addition, however many policies there are.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, CLASSES, REQUIRED_DEFAULT

# No class but OUTSIDE, which weighs nothing, is negative once an entry is posted: no field flows over into the next.
FIELD_BITS: Final = 32
_FIELD: Final = (1 << FIELD_BITS) - 1
_SCOPE_BITS: Final = 3 * FIELD_BITS

WHOLE_COMPANY: Final = 0  # place of the default programmes and all employment types, in the total of every tally

Weights = Sequence[int]  # class -> what one head in it adds to a total
NO_WEIGHTS: Final[Weights] = (0,) * len(CLASSES)


class Counts(NamedTuple):
    """Headcounts of those who count."""

    active: int
    covered: int
    uncovered_new: int

    def divisor(self, clock: str) -> int:
        """D of SEMANTICS 6."""
        return self.active - self.uncovered_new if clock == "due" else self.active


@lru_cache(maxsize=1 << 10)
def weights_of(required: int, employment_types: int) -> Weights:
    """The weights of one scope: active, covered and uncovered_new, from the lowest field up."""
    weights = [0]
    for parts in CLASSES[1:]:
        assert parts is not None
        counts = employment_types >> parts.employment_type & 1
        covered = counts and parts.programmes & required == required
        new = counts and parts.new and not covered
        weights.append(int(counts) | int(covered) << FIELD_BITS | int(new) << 2 * FIELD_BITS)
    return tuple(weights)


def counts_at(total: int, place: int) -> Counts:
    """The counts of the scope that has this place in a total."""
    fields = total >> place
    return Counts(fields & _FIELD, fields >> FIELD_BITS & _FIELD, fields >> 2 * FIELD_BITS & _FIELD)


class Tally:
    """The scopes of a book's policies and their places. `weights` is replaced when a scope is added, never changed."""

    __slots__ = ("_places", "weights")

    def __init__(self) -> None:
        self.weights = NO_WEIGHTS
        self._places: dict[tuple[int, int], int] = {}
        self.place(REQUIRED_DEFAULT, ALL_EMPLOYMENT_TYPES)

    def place(self, required: int, employment_types: int) -> int:
        """Where the scope is counted; one that is new is added behind the others."""
        scope = required, employment_types
        if scope not in self._places:
            place = self._places[scope] = len(self._places) * _SCOPE_BITS
            added = weights_of(*scope)
            self.weights = tuple(known | new << place for known, new in zip(self.weights, added, strict=True))
        return self._places[scope]
