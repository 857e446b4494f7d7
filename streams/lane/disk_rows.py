"""The rows of a partition in RocksDB, and in memory above them the changes that are not committed yet."""

import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DBCompactionStyle,
    DBCompressionType,
    Options,
    Rdict,
    WriteBatch,
    WriteBufferManager,
    WriteOptions,
)

from streams.lane.cursors import CURSOR_PREFIX, RESERVED, read_cursor
from streams.lane.state import StoredRows
from streams.lane.stop import LaneFault

WRITE_BUFFERS_SHARE: Final = 4  # a quarter of the cache may hold rows that are not in a file yet
FILE_BYTES: Final = 16 << 20
BLOOM_BITS_PER_ROW: Final = 10
LOGS_KEPT: Final = 1

KEPT_KEY: Final = RESERVED + b"kept"
_KEPT: Final = struct.Struct(">qq")  # contained, time of the newest record contained in milliseconds


def now_ms() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


class RowsOnDisk(StoredRows):
    """The rows of one partition. A step's changes are held in memory until its transaction is committed.

    `len` is RocksDB's estimate. Iteration has no order. Raises LaneFault when the disk fails.
    """

    def __init__(self, folder: Path, options: Options, now_ms: Callable[[], int] = now_ms) -> None:
        self._folder, self._now_ms = folder, now_ms
        self._above: dict[bytes, tuple[int, bytes | None]] = {}  # with the number of the step that changed it last
        self._steps = self._steps_committed = 0
        self._unlogged = WriteOptions()
        self._unlogged.disable_wal = True  # type: ignore[method-assign, assignment]
        try:
            self._rows = Rdict(str(folder), options)
        except Exception as error:
            raise self._fault(error) from error

    # ---- read by steps

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        """As in a dict."""
        value = self._above[key][1] if key in self._above else self._stored(key)
        return default if value is None else value

    def __getitem__(self, key: bytes) -> bytes:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self.get(key) is not None

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._above[key] = self._steps, value

    def __delitem__(self, key: bytes) -> None:
        if self.get(key) is None:
            raise KeyError(key)
        self._above[key] = self._steps, None

    def __iter__(self) -> Iterator[bytes]:
        return (key for key, _ in self.starting_with(b""))

    def __len__(self) -> int:
        return self._rows.property_int_value("rocksdb.estimate-num-keys") or 0

    def starting_with(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The rows whose keys begin with the prefix, found by a range scan."""
        for key, stored in self._scan(prefix):
            if key not in self._above and not key.startswith(RESERVED):
                yield key, stored
        for key, (_, value) in list(self._above.items()):
            if value is not None and key.startswith(prefix):
                yield key, value

    def change(self, changed: Mapping[bytes, bytes | None]) -> None:
        """Hold a step's changes in memory."""
        self._steps += 1
        for key, value in changed.items():
            self._above[key] = self._steps, value

    # ---- written from the changelog

    def take_in(
        self, changed: Mapping[bytes, bytes | None], cursors: Mapping[bytes, bytes], contained: int, newest_ms: int
    ) -> None:
        """Write a part of the changelog: its rows, cursors, last offset and newest timestamp."""
        self._write((*changed.items(), *cursors.items()), contained, newest_ms)

    def committed(self, lines: Sequence[tuple[bytes, bytes | None]], contained: int) -> None:
        """Move a step's committed changes to RocksDB, with the last changelog offset that they include."""
        self._write(lines, contained, self._now_ms())
        self._steps_committed += 1
        for key, _ in lines:
            # Keep the change of a later step, even if the value is the same.
            if key in self._above and self._above[key][0] <= self._steps_committed:
                del self._above[key]

    def kept(self) -> tuple[dict[str, int], int, int]:
        """Cursors by topic, the last changelog offset contained (-1: none), and the timestamp of the newest record."""
        value = self._stored(KEPT_KEY)
        contained, newest_ms = (-1, 0) if value is None else _KEPT.unpack(value)
        return dict(read_cursor(*row) for row in self._scan(CURSOR_PREFIX)), contained, newest_ms

    def close(self) -> None:
        """Flush and close the files."""
        try:
            self._rows.close()
        except Exception as error:
            raise self._fault(error) from error

    # ---- RocksDB: its binding raises plain Exception only

    def _stored(self, key: bytes) -> bytes | None:
        try:
            value: bytes | None = self._rows.get(key)
        except Exception as error:
            raise self._fault(error) from error
        return value

    def _scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        rows = self._rows.iter()
        try:
            rows.seek(prefix)
            while rows.valid():
                key = rows.key()
                if not key.startswith(prefix):
                    return
                yield key, rows.value()
                rows.next()
            rows.status()
        except Exception as error:
            raise self._fault(error) from error

    def _write(self, lines: Iterable[tuple[bytes, bytes | None]], contained: int, newest_ms: int) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in lines:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(KEPT_KEY, _KEPT.pack(contained, newest_ms))
        try:
            self._rows.write(batch, self._unlogged)
        except Exception as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> LaneFault:
        if str(error).startswith("Corruption"):
            mark_of_damage(self._folder).touch()
        return LaneFault(f"the state on disk in {self._folder}: {error}")


def mark_of_damage(folder: Path) -> Path:
    """The marker file that says that the rows in the folder are damaged."""
    return folder.with_name(f"{folder.name}.damaged")


def options(cache_bytes: int) -> Options:
    """RocksDB's options for all partitions of a worker, which share one cache. Indexes and filters use more memory."""
    cache = Cache(cache_bytes)
    blocks = BlockBasedOptions()
    blocks.set_block_cache(cache)
    # Indexes and filters stay outside the cache: for large files they exceed one of its shards and would be read again
    # for each row.
    blocks.set_bloom_filter(BLOOM_BITS_PER_ROW, False)
    chosen = Options(raw_mode=True)
    chosen.create_if_missing(True)
    chosen.set_block_based_table_factory(blocks)
    # Each write of a row follows one read of it, so less rewriting matters more than less disk space.
    chosen.set_compaction_style(DBCompactionStyle.universal())
    chosen.set_compression_type(DBCompressionType.lz4())
    chosen.set_write_buffer_size(FILE_BYTES)
    buffers = WriteBufferManager.new_write_buffer_manager_with_cache(cache_bytes // WRITE_BUFFERS_SHARE, False, cache)
    chosen.set_write_buffer_manager(buffers)
    chosen.set_keep_log_file_num(LOGS_KEPT)
    return chosen
