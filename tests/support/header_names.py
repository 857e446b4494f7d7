"""Header names of any bytes, written by aiokafka's own builder and producer."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from aiokafka.producer import message_accumulator, producer  # type: ignore[import-untyped]
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy  # type: ignore[import-untyped]


class AnyName(str):
    """A header's name that is encoded as these bytes. Only aiokafka's builder in Python takes one."""

    _name: bytes

    def __new__(cls, name: bytes) -> "AnyName":
        made = super().__new__(cls, name.decode("latin-1"))
        made._name = name
        return made

    def encode(self, *_: Any, **__: Any) -> bytes:
        return self._name


def builder(*, compression: int = 0, producer_id: int = -1, is_transactional: bool = False) -> Any:
    """A batch to append to. `compression` is Kafka's number: 0 none, 1 gzip."""
    return _DefaultRecordBatchBuilderPy(2, compression, is_transactional, producer_id, 0, 0, 1 << 30)


def control_batch(producer_id: int, *, is_abort: bool) -> bytes:
    """The end of a producer's transaction, as a broker writes it."""
    batch = _Control(2, 0, True, producer_id, 0, -1, 1 << 10)
    batch.append(0, 1_000, struct.pack(">HH", 0, 0 if is_abort else 1), bytes(6), [])
    return bytes(batch.build())


class _Control(_DefaultRecordBatchBuilderPy):  # type: ignore[misc]
    def _get_attributes(self, include_compression_type: bool = True) -> Any:
        return super()._get_attributes(include_compression_type) | self.CONTROL_MASK


@contextmanager
def producers_take_any_name() -> Iterator[None]:
    """Producers of this process send headers whose name is an AnyName."""
    in_python, name = _DefaultRecordBatchBuilderPy, "DefaultRecordBatchBuilder"
    with patch.object(message_accumulator, name, in_python), patch.object(producer, name, in_python):
        yield
