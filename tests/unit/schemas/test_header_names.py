"""A fetch with header names of any bytes is read as it would be without headers."""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from unittest.mock import patch

import pytest
from aiokafka import TopicPartition  # type: ignore[import-untyped]
from aiokafka.consumer import fetcher  # type: ignore[import-untyped]
from aiokafka.errors import CorruptRecordException  # type: ignore[import-untyped]
from aiokafka.record import default_records, memory_records  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from schemas.kafka import header_names
from schemas.kafka.client import client_options
from tests.support.header_names import AnyName, builder, control_batch

FIRST: Final = 40  # the offset of a fetch's first batch
NOT_UTF8: Final = b"\xff\xfe"
STOCK: Final = (memory_records.MemoryRecords, header_names.PartitionRecords.__base__)
OURS: Final = (header_names.Batches, header_names.PartitionRecords)
ISOLATIONS: Final = (fetcher.READ_UNCOMMITTED, fetcher.READ_COMMITTED)
PARSERS: Final = ("of the platform", "in Python")

Header = tuple[bytes, bytes | None]


@dataclass(frozen=True)
class Line:
    """`gap` offsets before it were compacted away."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()
    gap: int = 0


@dataclass(frozen=True)
class Part:
    """A batch of a producer, transactional if it has one, or, without lines, the end of its transaction."""

    lines: Sequence[Line]
    producer: int = -1
    compression: int = 0
    is_abort: bool = False


texts = st.none() | st.binary(max_size=6) | st.just(b"long" * 40)  # only what gets smaller is compressed
names = st.binary(max_size=4) | st.just(NOT_UTF8) | st.just(b"\xed\xa0\x80") | st.just("kué".encode())
lines = st.builds(Line, texts, texts, st.lists(st.tuples(names, texts), max_size=3), st.integers(0, 2))
batches = st.builds(Part, st.lists(lines, min_size=1, max_size=4), st.sampled_from((-1, 1, 2)), st.sampled_from((0, 1)))
ends = st.builds(Part, st.just(()), st.sampled_from((1, 2)), is_abort=st.booleans())
fetches = st.lists(batches | ends, max_size=8)


def built(part: Part, base: int, *, with_headers: bool = True) -> tuple[bytes, int]:
    """The bytes of a batch at an offset, and the offset after it."""
    if not part.lines:
        return at(base, control_batch(part.producer, is_abort=part.is_abort)), base + 1
    batch = builder(compression=part.compression, producer_id=part.producer, is_transactional=part.producer >= 0)
    offset = -1
    for line in part.lines:
        offset += 1 + line.gap
        headers = [(AnyName(name), value) for name, value in line.headers] if with_headers else []
        batch.append(offset, 1_000 + offset, line.key, line.value, headers)
    return at(base, batch.build()), base + offset + 1


def at(base: int, batch: bytes) -> bytes:
    """A batch as the broker keeps it: the checksum does not cover its first offset."""
    return struct.pack(">q", base) + bytes(batch[8:])


def fetched(parts: Sequence[Part], *, with_headers: bool = True) -> tuple[bytes, list[tuple[int, int]], int]:
    """The bytes of a fetch, its aborted transactions as (producer, first offset), and the offset after it."""
    content, aborted, began, offset = b"", [], dict[int, int](), FIRST
    for part in parts:
        if part.lines and part.producer >= 0:
            began.setdefault(part.producer, offset)
        elif not part.lines and (start := began.pop(part.producer, None)) is not None and part.is_abort:
            aborted.append((part.producer, start))
        batch, offset = built(part, offset, with_headers=with_headers)
        content += batch
    return content, aborted, offset


def read(
    kind: tuple[Any, Any], content: bytes, *, aborted: Sequence[Any] = (), start: int = FIRST, isolation: int = 0,
    decode: Any = None,
) -> Iterator[tuple[Any, int]]:  # fmt: skip
    """Each record and the position after it; last, None and the position at the end."""
    make_batches, make_records = kind
    records = make_records(
        TopicPartition("t", 0), make_batches(content), list(aborted), start, decode, None, True, isolation
    )
    for record in records:
        yield record, records.next_fetch_offset
    yield None, records.next_fetch_offset


def bare(found: Iterator[tuple[Any, int]]) -> list[Any]:
    return [(record and replace(record, headers=()), position) for record, position in found]


@contextmanager
def parser(which: str) -> Iterator[None]:
    """aiokafka has a parser in C, and one in Python where the platform has no C."""
    if which == "of the platform":
        yield
        return
    in_python = memory_records._MemoryRecordsPy
    with (
        patch.object(header_names, "MemoryRecords", in_python),
        patch.object(memory_records, "DefaultRecordBatch", default_records._DefaultRecordBatchPy),
    ):
        yield


@pytest.mark.parametrize("which", PARSERS)
@given(fetches, st.sampled_from(ISOLATIONS), st.integers(0, 12), st.integers(0, 60))
def test_header_names_change_no_record_and_no_position(
    which: str, parts: list[Part], isolation: int, after: int, cut: int
) -> None:
    content, aborted, _ = fetched(parts)
    without, _, _ = fetched(parts, with_headers=False)
    tail = content[:cut]  # a broker may cut a fetch's last batch, here within its 61 bytes before the records
    options: dict[str, Any] = {"aborted": aborted, "start": FIRST + after, "isolation": isolation}
    with parser(which):
        found = bare(read(OURS, content + tail, **options))
    assert found == bare(read(STOCK, without, **options))


@pytest.mark.parametrize("which", PARSERS)
@given(st.lists(batches, max_size=4))
def test_headers_are_kept_and_only_what_is_no_utf8_is_replaced(which: str, parts: list[Part]) -> None:
    with parser(which):
        found = [record.headers for record, _ in read(OURS, fetched(parts)[0]) if record]
    assert found == [
        tuple((name.decode(errors="replace"), value) for name, value in line.headers)
        for part in parts
        for line in part.lines
    ]


def test_the_library_alone_does_not_read_such_a_name() -> None:
    """When this fails, aiokafka reads them itself, and `header_names` may go."""
    content, _, _ = fetched([Part([Line(b"k", b"v", [(NOT_UTF8, None)])])])
    with pytest.raises(UnicodeDecodeError):
        list(read(STOCK, content))


@pytest.mark.parametrize("which", PARSERS)
def test_a_batch_that_is_corrupt_is_still_refused(which: str) -> None:
    content, _, _ = fetched([Part([Line(b"k", b"v", [(NOT_UTF8, b"value")])])] * 2)
    damaged = content[:-1] + bytes([content[-1] ^ 1])
    with parser(which):
        found = read(OURS, damaged)
        assert next(found)[1] == FIRST + 1
        with pytest.raises(CorruptRecordException):
            next(found)


def test_what_a_decoder_of_keys_raises_is_raised() -> None:
    content, _, _ = fetched([Part([Line(NOT_UTF8, b"v", [(NOT_UTF8, None)])])])
    with pytest.raises(UnicodeDecodeError):
        list(read(OURS, content, decode=bytes.decode))


def test_each_consumer_whose_options_were_asked_for_reads_so() -> None:
    client_options("broker:9092")
    assert (fetcher.MemoryRecords, fetcher.PartitionRecords) == OURS
