"""Ranges that share an insert: which do, what it holds, and its token. A restart must find the same."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.tables.block import Block
from sinks.clickhouse.together import BYTES_MAX, RANGES_MAX, RECORDS_MAX, Insert, inserts
from tests.support.sink_records import Kept

TOPICS = ("coverage.journal.v1", "coverage.ledger.v1")
SMALL = 3
# Numbers of records of a batch: few, or so many that no two batches share an insert.
COUNTS = st.sampled_from([0, 1, 2, SMALL, RECORDS_MAX // 2, RECORDS_MAX, RECORDS_MAX + 1])


@st.composite
def rounds(draw: st.DrawFn) -> list[Batch]:
    """The batches of one round in any order, at most one for each partition."""
    places = draw(
        st.lists(st.tuples(st.sampled_from(TOPICS), st.integers(0, RANGES_MAX * 2)), unique=True, max_size=60)
    )
    return [batch(topic, partition, draw(COUNTS)) for topic, partition in places]


def batch(topic: str, partition: int, count: int, size: int = 1) -> Batch:
    records = [Kept(offset, b"v" * size, b"k") for offset in range(10, 10 + count)]
    return Batch.of(Range(topic, partition, 10, 10 + count + 1), records)


def blocks(one: Batch) -> Iterator[Block]:
    """A row for each record in a table of the topic, and one in another for every second record, if there are two."""
    for table, step in (("each", 1), ("second", 2)):
        offsets = [record.offset for record in one.records[step - 1 :: step]]
        if offsets:
            columns: dict[str, Sequence[int]] = {"partition": [one.range.partition] * len(offsets), "offset": offsets}
            yield Block(f"{one.range.topic}:{table}", columns)


def rows(made: list[Insert]) -> list[tuple[str, int, int]]:
    return sorted(
        (insert.block.table, partition, offset)
        for insert in made
        for partition, offset in zip(insert.block.columns["partition"], insert.block.columns["offset"], strict=True)
    )


@given(rounds())
def test_the_inserts_hold_every_row_once_within_the_limits(batches: list[Batch]) -> None:
    made = inserts(batches, blocks)
    assert rows(made) == rows([Insert([one], block) for one in batches for block in blocks(one)])
    for insert in made:
        assert len({one.range.topic for one in insert.batches}) == 1
        assert len(insert.batches) <= RANGES_MAX
        assert len(insert.batches) == 1 or sum(len(one.records) for one in insert.batches) <= RECORDS_MAX
    tokens = [insert.token for insert in made]
    assert len(set(tokens)) == len(tokens)


@given(rounds(), st.randoms(use_true_random=False))
def test_a_restart_finds_the_same_inserts(batches: list[Batch], chance: object) -> None:
    begun = [one for one in batches if one.records]  # the marks of a round
    chance.shuffle(begun)  # type: ignore[attr-defined]
    first, again = inserts(batches, blocks), inserts(begun, blocks)
    assert [(insert.token, insert.block) for insert in again] == [(insert.token, insert.block) for insert in first]


@given(rounds())
def test_neighbours_share_an_insert_unless_a_limit_forbids_it(batches: list[Batch]) -> None:
    groups = list({insert.batches[0].range: insert.batches for insert in inserts(batches, blocks)}.values())
    for one, other in pairwise(groups):
        same_topic = one[0].range.topic == other[0].range.topic
        count = sum(len(each.records) for each in (*one, other[0]))
        assert not same_topic or len(one) == RANGES_MAX or count > RECORDS_MAX


def test_large_records_share_no_insert() -> None:
    batches = [batch(TOPICS[1], number, 1, BYTES_MAX // 2) for number in range(3)]
    assert [len(insert.batches) for insert in inserts(batches, blocks)] == [1, 1, 1]


def test_a_batch_alone_has_the_token_that_it_always_had_and_another_content_gives_another() -> None:
    one, other = batch(TOPICS[1], 0, SMALL), batch(TOPICS[1], 1, SMALL)
    (alone, _), (both, _) = inserts([one], blocks), inserts([one, other], blocks)
    assert alone.token == one.token(alone.block.table)
    (changed, _) = inserts([one, batch(TOPICS[1], 1, SMALL, 2)], blocks)
    assert len({alone.token, both.token, changed.token}) == len((alone, both, changed))
