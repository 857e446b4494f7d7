"""Facts as publishers send them: Avro of four record types, to and from `Fact`."""

from collections.abc import Mapping
from typing import Final

from schemas.fact_bytes import NOT_PLAIN, OWN_FIELDS, common_fields, fact_from, read_fact
from schemas.records import Fact
from schemas.registry import FixedRegistry, SchemaRegistry
from schemas.vocabulary import CORRECTION, KINDS
from schemas.wire import FRAME_BYTES, NO_ALIASES, NO_ID, Body, UnknownSchema, bodies, split_frame, string

SUBJECT_OF_KIND: Final = KINDS  # a kind's schema is named like the kind


class InboundCodec:
    """Encodes and decodes the facts of one schema registry.

    `aliases`: further ids -> ids of `registry`. They are read only where `registry` has no fact's schema under the id,
    and at each call anew, so that the caller may add to them. They are never written."""

    def __init__(self, registry: SchemaRegistry | None = None, aliases: Mapping[int, int] = NO_ALIASES) -> None:
        registry = registry or FixedRegistry()
        self._aliases = aliases
        self._bodies: dict[int, tuple[int, Body]] = {}
        self._frames: list[bytes] = []
        for kind, subject in enumerate(SUBJECT_OF_KIND):
            versions = bodies(registry, subject, enums=False)
            self._bodies |= {schema_id: (kind, body) for schema_id, body in versions.items()}
            self._frames.append(versions[registry.latest_id(subject)].frame)

    def encode(self, fact: Fact) -> bytes:
        """The framed value of a fact: the bytes that fastavro would give, put together from constants."""
        own = string(fact.corrects) if fact.kind == CORRECTION else _OWN_BYTES[fact.kind][fact.detail]
        return self._frames[fact.kind] + common_fields(fact) + own

    def decode(self, value: bytes | None) -> tuple[Fact, bool]:
        """A framed value -> (the fact, its values not yet checked; whether encoding it again gives the same bytes).

        Raises BadMagic, UnknownSchema or NotAvro. An empty set of programmes comes back as a detail without any.
        """
        schema_id = split_frame(value)
        known = self._bodies.get(schema_id) or self._bodies.get(self._aliases.get(schema_id, NO_ID))
        if known is None or value is None:
            raise UnknownSchema
        kind, body = known
        if value.startswith(self._frames[kind]):
            try:
                return read_fact(value, FRAME_BYTES, kind, _DETAIL[kind]), True
            except NOT_PLAIN:
                return self._slowly(kind, body, value)
        return self._slowly(kind, body, value)

    def common_bytes(self, fact: Fact, value: bytes) -> bytes:
        """The bytes of the common fields in this value, which the journal can copy.

        `value` must be what encoding the fact gives."""
        own = string(fact.corrects) if fact.kind == CORRECTION else _OWN_BYTES[fact.kind][fact.detail]
        return value[FRAME_BYTES : -len(own)]

    def _slowly(self, kind: int, body: Body, value: bytes) -> tuple[Fact, bool]:
        """By fastavro: Avro allows sets in any order, arrays in several blocks, and numbers with superfluous bytes."""
        fact = fact_from(kind, body.decode(value))
        return fact, self.encode(fact) == value


# kind -> detail -> the bytes of the kind's own fields, one after another; a correction's are its text
_OWN_BYTES: Final = {
    kind: {detail: b"".join(field for field in own if field is not None) for detail, own in details.items()}
    for kind, details in OWN_FIELDS.items()
}
# kind -> the bytes after the common fields -> detail
_DETAIL: Final = {kind: {own: detail for detail, own in details.items()} for kind, details in _OWN_BYTES.items()}
_DETAIL[CORRECTION] = {}
