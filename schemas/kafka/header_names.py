"""Records are read whatever bytes are the names of their headers, as Kafka's own consumer reads them.

A broker checks no name. aiokafka decodes each one when it reads a record, and raises UnicodeDecodeError for one that is
not UTF-8. No read could get past such a record, at no restart.
"""

import struct
from typing import Any, Final

from aiokafka.consumer import fetcher  # type: ignore[import-untyped]
from aiokafka.consumer.fetcher import PartitionRecords as AiokafkaRecords  # type: ignore[import-untyped]
from aiokafka.errors import CorruptRecordException  # type: ignore[import-untyped]
from aiokafka.record.default_records import _DefaultRecordBatchPy  # type: ignore[import-untyped]
from aiokafka.record.memory_records import MemoryRecords  # type: ignore[import-untyped]
from aiokafka.structs import ConsumerRecord  # type: ignore[import-untyped]

LENGTH: Final = struct.Struct(">8xi")  # of what follows, after the first offset; the same in all versions of batches


def read_any_header_name() -> None:
    """From now on every consumer of this process reads a name's bytes that are not UTF-8 as U+FFFD.

    A consumer that has started reads so from its next fetch on.
    """
    fetcher.MemoryRecords = Batches
    fetcher.PartitionRecords = PartitionRecords


class Batches:
    """The batches of a fetch as aiokafka's parser gives them; the last one can be had again with any header names."""

    def __init__(self, fetched: bytes) -> None:
        self._parsed = MemoryRecords(fetched)
        self._fetched = fetched
        self._start = self._end = 0  # of the last batch, in bytes
        self._again: _AnyNames | None = None
        self._is_again = False
        self.size_in_bytes = self._parsed.size_in_bytes

    def has_next(self) -> bool:
        """Whether `next_batch` has one."""
        return self._again is not None or self._parsed.has_next()

    def next_batch(self) -> Any:
        """The next batch, or None. Raises CorruptRecordException."""
        if self._again is not None:
            batch, self._again = self._again, None
            return batch
        batch = self._parsed.next_batch()
        if batch is not None:
            self._is_again = False
            self._start = self._end
            self._end += LENGTH.size + LENGTH.unpack_from(self._fetched, self._start)[0]
        return batch

    def again(self) -> bool:
        """Give the last batch once more, with any header names; False if it was already given so."""
        if self._is_again:
            return False
        self._is_again = True
        self._again = _AnyNames(memoryview(self._fetched)[self._start : self._end])
        return True


class PartitionRecords(AiokafkaRecords):  # type: ignore[misc]
    """The records of a fetch. A batch with a header name that is not UTF-8 is read once more, from where it stopped.

    aiokafka's loop begins anew at that batch, not at the first one: it moves the position back to the end of each batch
    that it passes, and it forgets which aborted transactions it has passed.
    """

    _records_iterator: Any

    def __next__(self) -> ConsumerRecord:
        while True:
            try:
                return next(self._records_iterator)
            except StopIteration:
                self._records_iterator = None
                raise
            except (UnicodeDecodeError, CorruptRecordException) as error:
                if not (_is_of_a_name(error) and self._records.again()):
                    raise
                self._records_iterator = self._unpack_records()


def _is_of_a_name(error: Exception) -> bool:
    """aiokafka's parser in Python, for platforms without its extensions, hides the error behind its own."""
    return isinstance(error if isinstance(error, UnicodeDecodeError) else error.__cause__, UnicodeDecodeError)


class _AnyNames(_DefaultRecordBatchPy):  # type: ignore[misc]
    """A batch read by aiokafka's parser in Python, which decodes nothing but names of headers."""

    _buffer: Any

    def __iter__(self) -> "_AnyNames":
        super().__iter__()  # decompresses
        self._buffer = _Lenient(self._buffer)
        return self


class _Lenient(bytearray):
    """Bytes whose slices are decoded whatever they are."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return found if isinstance(found, int) else _Lenient(found)

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)
