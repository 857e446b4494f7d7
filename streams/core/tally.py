"""Counts kept up posting by posting: one number for each company, with fields for all its figures, and for every scope
that a policy counts.

A scope is a pair (programmes required, employment types). A class of workers weighs what one head in it adds to each
of the figures, and to the active, covered and uncovered_new of each scope, in fields of 32 bits, so that a posting is
counted with one addition, however many policies there are.
"""

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.ledger_lines import CLASS_BITS, CLASS_MASK
from schemas.records import new
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, CLASSES, EMPLOYMENT_TYPES, PROGRAMMES, REQUIRED_DEFAULT

# No class but OUTSIDE, which weighs nothing, is negative once an entry is posted: no field flows over into the next.
FIELD_BITS: Final = 32
_FIELD: Final = (1 << FIELD_BITS) - 1
_SCOPE_BITS: Final = 3 * FIELD_BITS

WHOLE_COMPANY: Final = 0  # place of the default programmes and all employment types, in the total of every tally

Weights = Sequence[int]  # class -> what one head in it adds to a total


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
    return new(Counts, (fields & _FIELD, fields >> FIELD_BITS & _FIELD, fields >> 2 * FIELD_BITS & _FIELD))


def active_at(total: int, place: int) -> int:
    """The active alone of the scope that has this place in a total."""
    return total >> place & _FIELD


class Heads(NamedTuple):
    """Everything that is counted of a company's workers on a date, with the default programmes as cover."""

    counts: Counts
    enrolled: tuple[int, ...]  # by programme in the order of PROGRAMMES
    by_employment_type: tuple[tuple[int, int, int], ...]  # (type, active, covered) of the types with somebody inside


# Behind active, covered and uncovered_new: enrolled by programme, then active and covered by employment type.
_HEADS: Final = struct.Struct(f"<{3 + len(PROGRAMMES) + 2 * len(EMPLOYMENT_TYPES)}I")
_HEADS_MASK: Final = (1 << 8 * _HEADS.size) - 1
_TYPES_AT: Final = 3 + len(PROGRAMMES)


def heads(total: int) -> Heads:
    """The figures that stand first in every total."""
    fields = _HEADS.unpack((total & _HEADS_MASK).to_bytes(_HEADS.size, "little"))
    by_type = zip(range(len(EMPLOYMENT_TYPES)), fields[_TYPES_AT::2], fields[_TYPES_AT + 1 :: 2], strict=True)
    return Heads(Counts(*fields[:3]), fields[3:_TYPES_AT], tuple(of_type for of_type in by_type if of_type[1]))


def _weights_of_heads() -> Iterator[int]:
    """class -> what one head in it adds to each of the figures."""
    for parts, counts in zip(CLASSES, weights_of(REQUIRED_DEFAULT, ALL_EMPLOYMENT_TYPES), strict=True):
        fields = counts
        if parts is not None:
            for i in range(len(PROGRAMMES)):
                fields |= (parts.programmes >> i & 1) << (3 + i) * FIELD_BITS
            active_and_covered = counts & (1 << 2 * FIELD_BITS) - 1
            fields |= active_and_covered << (_TYPES_AT + 2 * parts.employment_type) * FIELD_BITS
        yield fields


class Steps(dict[int, int]):
    """pair of classes -> what one person who moves from the first to the second adds to a total. Of all pairs only a
    few hundred occur: worked out when first asked for, and kept."""

    __slots__ = ("weights",)

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.weights = weights

    def __missing__(self, pair: int) -> int:
        step = self[pair] = self.weights[pair & CLASS_MASK] - self.weights[pair >> CLASS_BITS]
        return step


HEADS_ONLY: Final = Steps(tuple(_weights_of_heads()))


class Tally:
    """The scopes of a book's policies and their places. `steps` is replaced when a scope is added."""

    __slots__ = ("_places", "steps")

    def __init__(self) -> None:
        self.steps = HEADS_ONLY
        self._places = {(REQUIRED_DEFAULT, ALL_EMPLOYMENT_TYPES): WHOLE_COMPANY}

    def place(self, required: int, employment_types: int) -> int:
        """Where the scope is counted; one that is new is added behind the others."""
        scope = required, employment_types
        if scope not in self._places:
            place = self._places[scope] = 8 * _HEADS.size + (len(self._places) - 1) * _SCOPE_BITS
            added = weights_of(*scope)
            self.steps = Steps([known | new << place for known, new in zip(self.steps.weights, added, strict=True)])
        return self._places[scope]
