"""Counts that each posting updates: one total for each company, with fields for all its figures and for every scope
that a policy counts.

A scope is a pair (programmes required, employment types); its slot is where its fields begin in a total. The weight of
a class is what one worker in it adds to a total, in fields of 32 bits. The delta of a pair of classes is the difference
of their weights. So a posting is counted with one addition, however many policies there are.
"""

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.ledger_lines import CLASS_BITS, CLASS_MASK
from schemas.records import from_fields
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, CLASSES, EMPLOYMENT_TYPES, PROGRAMMES, REQUIRED_DEFAULT

# After an entry no class but OUTSIDE is negative, and OUTSIDE has no weight: no field overflows into the next.
FIELD_BITS: Final = 32
_FIELD: Final = (1 << FIELD_BITS) - 1
_SCOPE_BITS: Final = 3 * FIELD_BITS

WHOLE_COMPANY: Final = 0  # slot of the default programmes and all employment types, in the total of every tally

Weights = Sequence[int]  # class -> what one head in it adds to a total


class Counts(NamedTuple):
    """Headcounts of the workers that are counted."""

    active: int
    covered: int
    uncovered_new: int

    def divisor(self, which: str) -> int:
        """D of SEMANTICS 6: `which` is the policy's field `clock`, raw or due."""
        return self.active - self.uncovered_new if which == "due" else self.active


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


def counts_at(total: int, slot: int) -> Counts:
    """The counts of the scope that has this slot in a total."""
    fields = total >> slot
    return from_fields(Counts, (fields & _FIELD, fields >> FIELD_BITS & _FIELD, fields >> 2 * FIELD_BITS & _FIELD))


def active_at(total: int, slot: int) -> int:
    """The active alone of the scope that has this slot in a total."""
    return total >> slot & _FIELD


class Headcounts(NamedTuple):
    """Everything that is counted of a company's workers on a date, with the default programmes as cover."""

    counts: Counts
    enrolled: tuple[int, ...]  # by programme in the order of PROGRAMMES
    by_employment_type: tuple[tuple[int, int, int], ...]  # (type, active, covered) of the types with somebody inside


# Behind active, covered and uncovered_new: enrolled by programme, then active and covered by employment type.
_HEADCOUNTS: Final = struct.Struct(f"<{3 + len(PROGRAMMES) + 2 * len(EMPLOYMENT_TYPES)}I")
_HEADCOUNTS_MASK: Final = (1 << 8 * _HEADCOUNTS.size) - 1
_TYPES_AT: Final = 3 + len(PROGRAMMES)


def headcounts(total: int) -> Headcounts:
    """The figures that come first in every total."""
    fields = _HEADCOUNTS.unpack((total & _HEADCOUNTS_MASK).to_bytes(_HEADCOUNTS.size, "little"))
    by_type = zip(range(len(EMPLOYMENT_TYPES)), fields[_TYPES_AT::2], fields[_TYPES_AT + 1 :: 2], strict=True)
    return Headcounts(Counts(*fields[:3]), fields[3:_TYPES_AT], tuple(of_type for of_type in by_type if of_type[1]))


def _weights_of_headcounts() -> Iterator[int]:
    """class -> what one head in it adds to each of the figures."""
    for parts, counts in zip(CLASSES, weights_of(REQUIRED_DEFAULT, ALL_EMPLOYMENT_TYPES), strict=True):
        fields = counts
        if parts is not None:
            for i in range(len(PROGRAMMES)):
                fields |= (parts.programmes >> i & 1) << (3 + i) * FIELD_BITS
            active_and_covered = counts & (1 << 2 * FIELD_BITS) - 1
            fields |= active_and_covered << (_TYPES_AT + 2 * parts.employment_type) * FIELD_BITS
        yield fields


class Deltas(dict[int, int]):
    """pair of classes -> what one worker who moves from the first to the second adds to a total. Only a few hundred of
    all pairs occur, so a delta is computed when it is first asked for, and cached."""

    __slots__ = ("weights",)

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.weights = weights

    def __missing__(self, pair: int) -> int:
        delta = self[pair] = self.weights[pair & CLASS_MASK] - self.weights[pair >> CLASS_BITS]
        return delta


HEADCOUNTS_ONLY: Final = Deltas(tuple(_weights_of_headcounts()))


class Tally:
    """The scopes of a book's policies and their slots. `deltas` is replaced when a scope is added."""

    __slots__ = ("_slots", "deltas")

    def __init__(self) -> None:
        self.deltas = HEADCOUNTS_ONLY
        self._slots = {(REQUIRED_DEFAULT, ALL_EMPLOYMENT_TYPES): WHOLE_COMPANY}

    def slot(self, required: int, employment_types: int) -> int:
        """The slot of the scope; a new scope is added behind the others."""
        scope = required, employment_types
        if scope not in self._slots:
            slot = self._slots[scope] = 8 * _HEADCOUNTS.size + (len(self._slots) - 1) * _SCOPE_BITS
            added = weights_of(*scope)
            self.deltas = Deltas([known | new << slot for known, new in zip(self.deltas.weights, added, strict=True)])
        return self._slots[scope]
