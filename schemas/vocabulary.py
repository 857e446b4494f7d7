"""The words of the contract and the numbers that stand for them inside.

Sets of programmes are bit masks (bit i = PROGRAMMES[i]); a **class** (SEMANTICS 3) is a small integer whose order is
the order in which the ledger sorts classes (SEMANTICS 4). The numbers are stored in state and journal, so they are part
of the format: a new version may add words at the end, and never changes the number of an existing one.
"""

from typing import Final, NamedTuple

EMPLOYMENT_TYPES: Final = ("daily", "fixed_term", "outsourced", "permanent", "unspecified")  # sorted by name
PROGRAMMES: Final = ("JHT", "JKK", "JKM", "JKP", "JMO", "JP")  # sorted by name
TERMINATION_REASONS: Final = ("resigned", "dismissed", "contract_ended", "retired", "deceased", "other", "unspecified")
CONTRACT_ENDED: Final = TERMINATION_REASONS.index("contract_ended")  # the only reason that a renewal ignores
ACTIONS: Final = ("enrolled", "withdrawn")

# Kinds of fact. The first three are also the rank of SEMANTICS 3 within one moment.
TERMINATION: Final = 0
HIRE: Final = 1
ENROLLMENT: Final = 2
CORRECTION: Final = 3
KINDS: Final = ("termination", "hire", "enrollment", "correction")

WITHDRAWN: Final = 1 << len(PROGRAMMES)  # beside the programmes in the detail of an enrollment
ALL_PROGRAMMES: Final = WITHDRAWN - 1
ALL_EMPLOYMENT_TYPES: Final = (1 << len(EMPLOYMENT_TYPES)) - 1

RULES: Final = ("level", "increment_pp", "net_new", "growth")
CLOCKS: Final = ("raw", "due")
STATES: Final = ("not_evaluable", "met", "pending", "breached")
# Why a company is not evaluable, in the order in which the reasons are checked (streams.core.evaluability).
WHY_NOT_EVALUABLE: Final = ("ended", "out_of_scope", "before", "after", "nobody", "too_few", "no_baseline")

APPLIED: Final = "applied"
NO_EFFECT: Final = "no_effect"
DUPLICATE: Final = "duplicate"
ID_CONFLICT: Final = "dead_letter:id_conflict"
TOO_MANY_FACTS: Final = "dead_letter:too_many_facts"
BOOK_DISPOSITIONS: Final = (APPLIED, NO_EFFECT, DUPLICATE, ID_CONFLICT, TOO_MANY_FACTS)


def programme_set(names: "tuple[str, ...] | list[str]") -> int:
    """Mask of these programmes; KeyError for an unknown name."""
    mask = 0
    for name in names:
        mask |= PROGRAMME_BIT[name]
    return mask


def programme_names(programmes: int) -> tuple[str, ...]:
    """The names in a mask, sorted."""
    return tuple(name for i, name in enumerate(PROGRAMMES) if programmes >> i & 1)


def employment_type_names(mask: int) -> tuple[str, ...]:
    """The names in a mask of employment types, sorted."""
    return tuple(name for i, name in enumerate(EMPLOYMENT_TYPES) if mask >> i & 1)


PROGRAMME_BIT: Final = {name: 1 << i for i, name in enumerate(PROGRAMMES)}
EMPLOYMENT_TYPE_NUMBER: Final = {name: i for i, name in enumerate(EMPLOYMENT_TYPES)}
REQUIRED_DEFAULT: Final = programme_set(("JKK", "JKM"))


class ClassParts(NamedTuple):
    """What a class is made of; OUTSIDE has none."""

    employment_type: int
    programmes: int
    new: bool


OUTSIDE: Final = 0


def _number_classes() -> tuple[dict[tuple[int, int], int], tuple[ClassParts | None, ...]]:
    """Number all classes in the order of SEMANTICS 4: by employment type, programmes as names, settled before new."""
    settled: dict[tuple[int, int], int] = {}
    parts: list[ClassParts | None] = [None]
    in_order = sorted(range(ALL_PROGRAMMES + 1), key=programme_names)
    for employment_type in range(len(EMPLOYMENT_TYPES)):
        for programmes in in_order:
            settled[employment_type, programmes] = len(parts)
            parts.append(ClassParts(employment_type, programmes, False))
            parts.append(ClassParts(employment_type, programmes, True))
    return settled, tuple(parts)


_numbered = _number_classes()
# The class without `new`; the class with it is the next number: settled classes are odd, new ones even.
SETTLED_CLASS: Final = _numbered[0]
CLASSES: Final = _numbered[1]
