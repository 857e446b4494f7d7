"""Content codings of the HTTP interface: lz4, zstd, gzip, deflate. A body may consist of several frames."""

import gzip
import zlib
from collections.abc import Callable
from typing import Any, Protocol

import lz4.frame  # type: ignore[import-untyped]
import zstandard

from deploy.embedded.clickhouse.query import EngineError

UNKNOWN_COMPRESSION = 89
GZIP_LEVEL = 1
GZIP_OR_ZLIB = 47  # zlib's value for detecting the format by its header


class _Frame(Protocol):
    """One compressed frame while it is read; `unused_data` are the bytes after its end."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> Any: ...

    def decompress(self, data: bytes) -> bytes: ...


_FRAMES: dict[str, Callable[[], _Frame]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "gzip": lambda: zlib.decompressobj(GZIP_OR_ZLIB),
    "deflate": lambda: zlib.decompressobj(GZIP_OR_ZLIB),
}
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "gzip": lambda data: gzip.compress(data, GZIP_LEVEL),
    "deflate": lambda data: zlib.compress(data, GZIP_LEVEL),
}


class Decoder:
    """Decompresses a body piece by piece."""

    def __init__(self, coding: str) -> None:
        """`coding` is the header Content-Encoding, empty for none. Raises EngineError for an unknown one."""
        if coding in ("", "identity"):
            self._new: Callable[[], _Frame] | None = None
            return
        if coding not in _FRAMES:
            raise EngineError(UNKNOWN_COMPRESSION, f"Unknown content coding {coding}. (UNKNOWN_COMPRESSION_METHOD)")
        self._new = _FRAMES[coding]
        self._frame = self._new()

    def feed(self, data: bytes) -> bytes:
        """The plain bytes that `data` completes; may be empty. Raises EngineError for damaged data."""
        if self._new is None:
            return data
        plain = []
        try:
            while data:
                if self._frame.eof:
                    self._frame = self._new()
                plain.append(self._frame.decompress(data))
                data = (self._frame.unused_data or b"") if self._frame.eof else b""
        except (RuntimeError, zlib.error, zstandard.ZstdError) as error:
            raise EngineError(UNKNOWN_COMPRESSION, f"The body cannot be decompressed: {error}") from error
        return b"".join(plain)

    def finish(self) -> None:
        """Call this at the end of the body. Raises EngineError if the last frame is incomplete."""
        if self._new is not None and not self._frame.eof:
            raise EngineError(UNKNOWN_COMPRESSION, "The compressed body ends in the middle. (CANNOT_DECOMPRESS)")


def encode(accepted: str, data: bytes) -> tuple[str | None, bytes]:
    """The name of the first supported coding in the header Accept-Encoding, and `data` in that coding."""
    for word in accepted.split(","):
        coding = word.partition(";")[0].strip()
        if coding in _COMPRESS:
            return coding, _COMPRESS[coding](data)
    return None, data
