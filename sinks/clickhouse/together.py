"""Rows of several ranges in one insert: an insert costs about as much whatever is in it, so small ranges share one.

Which ranges share an insert follows from the ranges and their records alone, never from time. All ranges that were
begun and not ended are of one round, so a restart finds the same groups, and repeats them with the same tokens.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from sinks.clickhouse.ranges import TOKEN_HASH_DIGITS, Batch
from sinks.clickhouse.tables.block import Block

# Small, so that the block is one (warehouse.py), and the inserts of a full round still run side by side.
RECORDS_MAX: Final = 2_000
BYTES_MAX: Final = 1_000_000
# A block becomes a part for each of ClickHouse's partitions, and ClickHouse refuses one of more than a hundred.
RANGES_MAX: Final = 50


class Insert(NamedTuple):
    """The rows that some batches of one topic become in one table."""

    batches: Sequence[Batch]
    block: Block

    @property
    def token(self) -> str:
        """The deduplication token: same token, same rows. One batch alone has the token that it always had."""
        tokens = [batch.token(self.block.table) for batch in self.batches]
        if len(tokens) == 1:
            return tokens[0]
        digest = hashlib.sha256("\n".join(tokens).encode()).hexdigest()
        of = self.batches[0].range
        return f"{self.block.table}:{of.topic}:{len(tokens)} ranges from {of.partition}:{digest[:TOKEN_HASH_DIGITS]}"


def inserts(batches: Iterable[Batch], blocks: Callable[[Batch], Iterable[Block]]) -> list[Insert]:
    """The inserts of these batches; `blocks` gives a batch's own rows. Batches without records give none."""
    return [insert for group in _groups(batches) for insert in _of_group(group, blocks)]


def _groups(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """The batches by topic and partition, as many together as the limits allow."""
    group: list[Batch] = []
    for batch in sorted((batch for batch in batches if batch.records), key=lambda batch: batch.range):
        if group and not _fit([*group, batch]):
            yield group
            group = []
        group.append(batch)
    if group:
        yield group


def _fit(group: Sequence[Batch]) -> bool:
    return (
        len({batch.range.topic for batch in group}) == 1
        and len(group) <= RANGES_MAX
        and sum(len(batch.records) for batch in group) <= RECORDS_MAX
        and sum(map(_size, group)) <= BYTES_MAX
    )


def _size(batch: Batch) -> int:
    return sum(len(record.key or b"") + len(record.value or b"") for record in batch.records)


def _of_group(group: list[Batch], blocks: Callable[[Batch], Iterable[Block]]) -> Iterator[Insert]:
    by_table: dict[str, list[Block]] = {}
    for batch in group:
        for block in blocks(batch):
            by_table.setdefault(block.table, []).append(block)
    for table, parts in by_table.items():
        yield Insert(group, parts[0] if len(parts) == 1 else _joined(table, parts))


def _joined(table: str, parts: Sequence[Block]) -> Block:
    names = parts[0].columns
    return Block(table, {name: [value for part in parts for value in part.columns[name]] for name in names})
