"""After any change of a sealed history, the check names the first record that does not fit."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.chain import GENESIS, Verdict, chain_of, chained, verify

MANIPULATIONS = 200
History = list[tuple[int, bytes]]


def history(contents: list[bytes]) -> History:
    """Records at every second offset, because transaction markers take the offsets between."""
    head, records = GENESIS, []
    for number, content in enumerate(contents):
        value = chained(head, content)
        head = chain_of(value)
        records.append((number * 2, value))
    return records


@given(st.lists(st.binary(max_size=50), max_size=30))
def test_a_history_holds_together(contents: list[bytes]) -> None:
    records = history(contents)
    head = chain_of(records[-1][1]) if records else GENESIS
    assert verify(records) == Verdict(len(contents), head, None)


def flip(records: History, rnd: Random) -> int:
    at = rnd.randrange(len(records))
    offset, value = records[at]
    byte = rnd.randrange(len(value))
    records[at] = offset, value[:byte] + bytes([value[byte] ^ 1 << rnd.randrange(8)]) + value[byte + 1 :]
    return offset


def remove(records: History, rnd: Random) -> int:
    at = rnd.randrange(len(records) - 1)  # only a seal can show that the last records are missing
    del records[at]
    return records[at][0]


def add(records: History, rnd: Random) -> int:
    at = rnd.randrange(len(records))
    offset = records[at][0] - 1
    records.insert(at, (offset, rnd.choice([rnd.randbytes(60), records[rnd.randrange(len(records))][1]])))
    return offset if records[at][1] != records[at + 1][1] else records[at + 1][0]


def swap(records: History, rnd: Random) -> int:
    first, second = sorted(rnd.sample(range(len(records)), 2))
    (at, one), (then, other) = records[first], records[second]
    records[first], records[second] = (at, other), (then, one)
    return at


def cut_and_join(records: History, rnd: Random) -> int:
    """Replace a record by another whose chain value fits the record before it. Only the next record shows it."""
    at = rnd.randrange(len(records) - 1)
    before = chain_of(records[at - 1][1]) if at else GENESIS
    records[at] = records[at][0], chained(before, rnd.randbytes(40))
    return records[at + 1][0]


@pytest.mark.parametrize("seed", range(MANIPULATIONS))
def test_every_manipulation_is_found_at_its_place(seed: int) -> None:
    rnd = Random(seed)
    records = history([rnd.randbytes(rnd.randrange(1, 80)) for _ in range(rnd.randrange(2, 60))])
    first_wrong = rnd.choice((flip, remove, add, swap, cut_and_join))(records, rnd)
    assert verify(records).first_wrong == first_wrong
