"""Raw records as a consumer returns them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawRecord:
    """`timestamp` in milliseconds."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0
    topic: str = ""
    partition: int = 0
    headers: tuple[tuple[str, bytes | None], ...] = ()
