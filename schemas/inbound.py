"""Facts as publishers send them: Avro of four record types, to and from `Fact`."""

from typing import Any, Final

from schemas.fact_bytes import NOT_PLAIN, common_fields, read_fact
from schemas.records import Fact
from schemas.registry import FixedRegistry, SchemaRegistry
from schemas.vocabulary import (
    ACTIONS,
    CORRECTION,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    HIRE,
    KINDS,
    PROGRAMMES,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
)
from schemas.wire import FRAME_BYTES, Body, UnknownSchema, bodies, checked_index, split_frame, string, zigzag

SUBJECT_OF_KIND: Final = KINDS  # a kind's schema is named like the kind


class InboundCodec:
    """Encodes and decodes the facts of one schema registry."""

    def __init__(self, registry: SchemaRegistry | None = None) -> None:
        registry = registry or FixedRegistry()
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
        """A framed value -> (fact whose values are not yet checked, whether encoding it again gives the same bytes).

        Raises BadMagic, UnknownSchema or NotAvro. An empty set of programmes comes back as a detail without any.
        """
        schema_id = split_frame(value)
        known = self._bodies.get(schema_id)
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
        """The common fields as they stand in a value that encoding the fact gives again: the journal's bytes too."""
        own = string(fact.corrects) if fact.kind == CORRECTION else _OWN_BYTES[fact.kind][fact.detail]
        return value[FRAME_BYTES : -len(own)]

    def _slowly(self, kind: int, body: Body, value: bytes) -> tuple[Fact, bool]:
        """By fastavro. Avro allows sets in any order, arrays in several blocks, numbers with idle bytes."""
        fact = _fact(kind, body.decode(value))
        return fact, self.encode(fact) == value


def _fact(kind: int, fields: dict[str, Any]) -> Fact:
    detail, corrects = 0, ""
    if kind == HIRE:
        detail = checked_index(fields["employment_type"], len(EMPLOYMENT_TYPES))
    elif kind == TERMINATION:
        detail = checked_index(fields["reason"], len(TERMINATION_REASONS))
    elif kind == ENROLLMENT:
        for programme in fields["programmes"]:
            detail |= 1 << checked_index(programme, len(PROGRAMMES))
        if checked_index(fields["action"], len(ACTIONS)):
            detail |= WITHDRAWN
    elif kind == CORRECTION:
        corrects = fields["corrects"]
    return Fact(
        kind,
        detail,
        fields["event_id"],
        fields["company_id"],
        fields["worker_id"],
        fields["effective_on"],
        fields["occurred_at"],
        fields["source"],
        corrects,
    )


def _own_bytes() -> tuple[dict[int, bytes], ...]:
    """kind -> detail -> the bytes of the kind's own fields; a correction's are its text."""
    terminations = {i: zigzag(i) for i in range(len(TERMINATION_REASONS))}
    hires = {i: zigzag(i) for i in range(len(EMPLOYMENT_TYPES))}
    enrollments = {}
    for detail in range(2 * WITHDRAWN):
        programmes = [zigzag(i) for i in range(len(PROGRAMMES)) if detail >> i & 1]
        items = b"".join([zigzag(len(programmes)), *programmes]) if programmes else b""
        enrollments[detail] = zigzag(1 if detail & WITHDRAWN else 0) + items + b"\x00"
    return terminations, hires, enrollments


_OWN_BYTES: Final = _own_bytes()

# kind -> what stands behind the common fields -> detail; a correction's own field is any text
_DETAIL: Final = tuple({own: detail for detail, own in details.items()} for details in (*_OWN_BYTES, {}))
