"""The Confluent wire format and Avro bodies: frame, schemas as plain numbers, one encoder for each subject.

The frame is a zero byte and the schema id in four bytes, big-endian, before the Avro body. Schemas are read and written
in a *plain* form with the same bytes: logical types dropped (dates and instants stay numbers) and, where `enums` is
false, enums as their index, because fastavro silently reads index -1 as the last symbol.
"""

import io
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeVar

import fastavro
from fastavro.schema import SchemaParseException, to_parsing_canonical_form
from fastavro.types import Schema

from schemas.registry import SchemaRegistry

MAGIC: Final = 0
NO_ID: Final = -1
NO_ALIASES: Final[Mapping[int, int]] = MappingProxyType({})
FRAME_BYTES: Final = 5
_frame: Final = struct.Struct(">BI")

_V = TypeVar("_V")
_R = TypeVar("_R")
_Self = TypeVar("_Self")

# What fastavro raises on bytes that are not Avro of the schema, and what building a record from wrong fields raises.
_AVRO_ERRORS: Final = (
    EOFError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    AssertionError,
    StopIteration,
)


# The bytes of a union with null before its value, and of the end of an array.
NULL: Final = b"\x00"
SOME: Final = b"\x02"
END: Final = b"\x00"


class WireError(Exception):
    """A value that cannot be read. `reason` is the reason of its dead letter."""

    reason: ClassVar[str] = "decode_error"


class BadMagic(WireError):
    """The value does not begin with the Confluent frame."""

    reason: ClassVar[str] = "bad_magic"


class UnknownSchema(WireError):
    """No such schema id, or one that this topic does not carry."""

    reason: ClassVar[str] = "unknown_schema"


class NotAvro(WireError):
    """The body does not decode as Avro of its schema."""

    reason: ClassVar[str] = "decode_error"


def raises_wire_errors(decode: Callable[[_Self, _V], _R]) -> Callable[[_Self, _V], _R]:
    """Make a codec's method raise only WireError for what it cannot decode."""

    @wraps(decode)
    def decoding(self: _Self, value: _V) -> _R:
        try:
            return decode(self, value)
        except _AVRO_ERRORS as error:
            raise NotAvro from error

    return decoding


def frame(schema_id: int) -> bytes:
    """The bytes before the Avro body."""
    return _frame.pack(MAGIC, schema_id)


def split_frame(value: bytes | None) -> int:
    """The schema id of a value; BadMagic if it has no frame."""
    if value is None or len(value) < FRAME_BYTES or value[0] != MAGIC:
        raise BadMagic
    schema_id: int = _frame.unpack_from(value)[1]
    return schema_id


def plain(schema: Any, *, enums: bool, _indexed: set[str] | None = None) -> Any:
    """The schema with the same bytes but numbers for dates and instants, and indexes for enums unless `enums`."""
    indexed = set() if _indexed is None else _indexed
    if isinstance(schema, str):
        return "int" if schema in indexed else schema
    if isinstance(schema, list):
        return [plain(branch, enums=enums, _indexed=indexed) for branch in schema]
    if schema["type"] == "enum" and not enums:
        indexed.add(schema["name"])
        return "int"
    out = {key: value for key, value in schema.items() if key not in ("logicalType", "doc")}
    if "fields" in out:
        out["fields"] = [
            {"name": f["name"], "type": plain(f["type"], enums=enums, _indexed=indexed)}
            | ({"default": _plain_default(f, enums)} if "default" in f else {})
            for f in out["fields"]
        ]
    for part in ("type", "items", "values"):
        if isinstance(out.get(part), dict | list) or (part != "type" and part in out):
            out[part] = plain(out[part], enums=enums, _indexed=indexed)
    return out


def _plain_default(field: Mapping[str, Any], enums: bool) -> Any:
    """A default in plain form: the index for an enum that is read as an index."""
    kind, default = field["type"], field["default"]
    if not enums and isinstance(kind, dict) and kind["type"] == "enum":
        return kind["symbols"].index(default)
    return default


def parsed(schema: Any) -> Schema:
    """fastavro's form of a schema, with its own name space."""
    return fastavro.parse_schema(schema, named_schemas={})


def wire_form(schema: str) -> str | None:
    """Avro's canonical form of a schema's JSON, None if it is no schema: equal forms have the same bytes.

    Documentation, defaults, aliases and logical types are not in it."""
    try:
        return str(to_parsing_canonical_form(json.loads(schema)))
    except (*_AVRO_ERRORS, SchemaParseException, RecursionError):
        return None


class Body:
    """Avro bodies of one schema, as mappings. With `reader` they are resolved to that schema."""

    def __init__(
        self,
        schema_id: int,
        schema: Mapping[str, Any],
        *,
        enums: bool = True,
        reader: Mapping[str, Any] | None = None,
    ) -> None:
        self.schema_id = schema_id
        self.frame = frame(schema_id)
        self._schema = parsed(plain(schema, enums=enums))
        self._reader = None if reader is None else parsed(plain(reader, enums=enums))

    def encode(self, record: Mapping[str, Any]) -> bytes:
        out = io.BytesIO()
        out.write(self.frame)
        fastavro.schemaless_writer(out, self._schema, record)
        return out.getvalue()

    def decode(self, value: bytes) -> dict[str, Any]:
        """The fields of a framed value; NotAvro when the body does not decode or bytes are left over."""
        stream = io.BytesIO(value)
        stream.seek(FRAME_BYTES)
        try:
            record = fastavro.schemaless_reader(stream, self._schema, self._reader)
        except _AVRO_ERRORS as error:
            raise NotAvro from error
        if stream.tell() != len(value) or not isinstance(record, dict):
            raise NotAvro
        return record


@cache
def bodies(registry: SchemaRegistry, subject: str, *, enums: bool = True) -> Mapping[int, Body]:
    """id -> bodies of every version of a record, resolved to the latest version, which is the last.

    Cached for each registry, because parsing schemas is most of the cost of a codec.
    """
    *older, latest = registry.ids(subject)
    reader = registry.schema(latest)
    made = {i: Body(i, registry.schema(i), enums=enums, reader=reader) for i in older}
    return made | {latest: Body(latest, reader, enums=enums)}


def _varint(n: int) -> bytes:
    """A number from 0 on, seven bits a byte, the lowest first; every byte but the last has its high bit set."""
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def _zigzag(n: int) -> bytes:
    return _varint(n << 1 if n >= 0 else (-n << 1) - 1)


_SMALL: Final = tuple(map(_zigzag, range(1 << 15)))  # lengths, indexes and dates up to 2059
_SIX_BYTES: Final = range(1 << 34, 1 << 41)  # instants from July 1970 to September 2039
_FOUR_BYTES_END: Final = 1 << 27
# 14 bits -> two bytes that more follow, and the last one or two: offsets, of which the next one is near.
_MORE: Final = tuple(bytes((i & 0x7F | 0x80, i >> 7 | 0x80)) for i in range(1 << 14))
_LAST: Final = tuple(map(_varint, range(1 << 14)))


def zigzag(n: int) -> bytes:
    """An int or long as Avro writes it."""
    if 0 <= n < 1 << 15:
        return _SMALL[n]
    if n in _SIX_BYTES:
        return _six_bytes(n)
    return _MORE[n << 1 & 0x3FFF] + _LAST[n >> 13] if 0 <= n < _FOUR_BYTES_END else _zigzag(n)


def _six_bytes(n: int) -> bytes:
    """As `_zigzag`: splits the number into three groups of 14 bits, then all groups into sevens at once."""
    n = (n << 1 & 0x3FFF) | (n << 3 & 0x3FFF_0000) | (n << 5 & 0x3FFF_0000_0000)
    return (n & 0x7F_007F_007F | (n & 0x3F80_3F80_3F80) << 1 | 0x80_8080_8080).to_bytes(6, "little")


def string(text: str) -> bytes:
    """A string as Avro writes it."""
    encoded = text.encode()
    return zigzag(len(encoded)) + encoded


def array(items: Sequence[bytes]) -> bytes:
    """An array of these items in one block, as fastavro writes it."""
    return zigzag(len(items)) + b"".join(items) + END if items else END


def checked_index(index: int | None, symbols: int) -> int:
    """The index of an enum's symbol; NotAvro if it is null or out of range."""
    if index is None or not 0 <= index < symbols:
        raise NotAvro
    return index
