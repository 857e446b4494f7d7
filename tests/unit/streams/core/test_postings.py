"""Ledger lines as numbers: they sort as SEMANTICS 4 requires, and can be turned back into postings."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ledger_lines import change, posting
from schemas.vocabulary import CLASSES, EMPLOYMENT_TYPES, OUTSIDE, PROGRAMMES
from streams.core.postings import difference
from tests.support.journals import deterministic
from tests.support.naive_timeline import ledger_key, worker_class

lines = st.builds(
    lambda on, before, after, sign: change(on, before, after) << 1 | sign,
    st.integers(-(1 << 20), 1 << 20),
    st.integers(0, len(CLASSES) - 1),
    st.integers(0, len(CLASSES) - 1),
    st.integers(0, 1),
)


def key(line: int) -> tuple[object, ...]:
    p = posting(line)
    return ledger_key((p.value_on, worker_class(p.before), worker_class(p.after), p.quantity))


@settings(deterministic, max_examples=300)
@given(st.lists(lines, max_size=12))
def test_sorting_numbers_sorts_the_ledger(numbers: list[int]) -> None:
    assert sorted(numbers) == sorted(numbers, key=key)


def test_classes_are_numbered_in_the_order_of_the_ledger() -> None:
    spelled = [worker_class(parts) for parts in CLASSES]
    assert len(CLASSES) == 1 + len(EMPLOYMENT_TYPES) * 2 ** len(PROGRAMMES) * 2
    assert spelled[OUTSIDE] is None
    for before, after in pairwise(spelled[1:]):
        assert before is not None and after is not None and before < after


changes = st.lists(st.integers(0, 20).map(lambda n: change(n, 0, 1)), max_size=6, unique=True).map(sorted)


@settings(deterministic, max_examples=200)
@given(changes, changes)
def test_the_difference_is_what_stands_in_one_list_only(was: list[int], now: list[int]) -> None:
    expected = sorted([(c, -1) for c in set(was) - set(now)] + [(c, 1) for c in set(now) - set(was)])
    assert [(line >> 1, 1 if line & 1 else -1) for line in difference(was, now)] == expected
