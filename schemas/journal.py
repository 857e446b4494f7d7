"""Journal entries to and from Avro. Facts are most of a journal, so they are written from ready-made bytes and read
many at a time; the other entries are rare and go through fastavro as mappings."""

import io
from collections.abc import Sequence
from typing import Any, Final

import fastavro
from fastavro.types import Schema

from schemas.mappings import company_from, company_mapping, policy_from, policy_mapping
from schemas.records import CompanySet, Coordinates, Entry, Fact, FactEntry, PolicyEnded, PolicySet, Tick
from schemas.registry import FixedRegistry, SchemaRegistry
from schemas.vocabulary import CORRECTION, ENROLLMENT, HIRE, PROGRAMMES, TERMINATION, WITHDRAWN
from schemas.wire import (
    AVRO_ERRORS,
    FRAME_BYTES,
    Body,
    NotAvro,
    UnknownSchema,
    bodies,
    frame,
    parsed,
    plain,
    split_frame,
    string,
    zigzag,
)

_NULL: Final = b"\x00"
_SOME: Final = b"\x02"


class JournalCodec:
    """Encodes entries one by one, decodes them a batch at a time."""

    def __init__(self, registry: SchemaRegistry | None = None) -> None:
        registry = registry or FixedRegistry()
        self._fact_frame = frame(registry.latest_id("journal-fact"))
        self._facts = {frame(i): _many(registry, i) for i in registry.ids("journal-fact")}
        self._bodies: dict[str, Body] = {}
        self._rare: dict[int, tuple[str, Body]] = {}
        for name in _RARE:
            versions = bodies(registry, f"journal-{name}")
            self._bodies[name] = versions[registry.latest_id(f"journal-{name}")]
            self._rare |= {schema_id: (name, body) for schema_id, body in versions.items()}

    def encode_fact(self, entry: FactEntry) -> bytes:
        """The framed value of a fact: the bytes that fastavro would give, put together from constants."""
        (topic, partition, offset), recorded_at, fact, original = entry
        kind, detail, event_id, company_id, worker_id, effective_on, occurred_at, source, corrects = fact
        return b"".join(
            (
                self._fact_frame,
                string(topic),
                zigzag(partition),
                zigzag(offset),
                zigzag(recorded_at),
                zigzag(kind),
                string(event_id),
                string(company_id),
                string(worker_id),
                zigzag(effective_on),
                zigzag(occurred_at),
                string(source),
                _OWN_BYTES[kind][detail],
                _SOME + string(corrects) if kind == CORRECTION else _NULL,
                _NULL if original is None else _SOME + zigzag(len(original)) + original,
            )
        )

    def encode(self, entry: Entry) -> bytes:
        """The framed value of any entry."""
        if isinstance(entry, FactEntry):
            return self.encode_fact(entry)
        topic, partition, offset = entry.came_from
        head = {"topic": topic, "partition": partition, "offset": offset, "recorded_at": entry.recorded_at}
        if isinstance(entry, CompanySet):
            return self._bodies["company-set"].encode({**head, "company": company_mapping(entry.company)})
        if isinstance(entry, PolicySet):
            return self._bodies["policy-set"].encode({**head, "policy": policy_mapping(entry.policy)})
        if isinstance(entry, PolicyEnded):
            return self._bodies["policy-ended"].encode({**head, "policy_id": entry.policy_id})
        return self._bodies["tick"].encode({**head, "on": entry.on})

    def decode(self, values: Sequence[bytes]) -> list[Entry]:
        """The entries behind these framed values, in their order. WireError for what no journal can hold."""
        entries: list[Entry] = []
        start = 0
        while start < len(values):
            head = values[start][:FRAME_BYTES]
            if head not in self._facts:
                entries.append(self._decode_rare(values[start]))
                start += 1
                continue
            end = start
            while end < len(values) and values[end][:FRAME_BYTES] == head:
                end += 1
            entries += self._decode_facts(self._facts[head], values[start:end])
            start = end
        return entries

    def _decode_facts(self, schemas: "_Schemas", values: Sequence[bytes]) -> list[FactEntry]:
        """One call of fastavro for all: an Avro array is its length, the items one after the other, and a zero."""
        items = b"".join([zigzag(len(values)), *[value[FRAME_BYTES:] for value in values], _NULL])
        stream = io.BytesIO(items)
        try:
            records: Any = fastavro.schemaless_reader(stream, *schemas)
        except AVRO_ERRORS as error:
            raise NotAvro from error
        if stream.tell() != len(items) or len(records) != len(values):
            raise NotAvro
        return [_fact_entry(record) for record in records]

    def _decode_rare(self, value: bytes) -> Entry:
        known = self._rare.get(split_frame(value))
        if known is None:
            raise UnknownSchema
        name, body = known
        fields = body.decode(value)
        came_from = Coordinates(fields["topic"], fields["partition"], fields["offset"])
        recorded_at = fields["recorded_at"]
        if name == "company-set":
            return CompanySet(came_from, recorded_at, company_from(fields["company"]))
        if name == "policy-set":
            return PolicySet(came_from, recorded_at, policy_from(fields["policy"]))
        if name == "policy-ended":
            return PolicyEnded(came_from, recorded_at, fields["policy_id"])
        return Tick(came_from, recorded_at, fields["on"])


_RARE: Final = ("company-set", "policy-set", "policy-ended", "tick")
_Schemas = tuple[Schema, Schema | None]  # of the writer, and of the reader if that is another


def _many(registry: SchemaRegistry, schema_id: int) -> _Schemas:
    """The schemas of an array of facts written with this version."""
    latest = registry.latest_id("journal-fact")

    def array(i: int) -> Schema:
        return parsed({"type": "array", "items": plain(registry.schema(i), enums=False)})

    return array(schema_id), None if schema_id == latest else array(latest)


def _fact_entry(r: dict[str, Any]) -> FactEntry:
    kind = r["kind"]
    detail = 0
    if kind == HIRE:
        detail = r["employment_type"]
    elif kind == TERMINATION:
        detail = r["reason"]
    elif kind == ENROLLMENT:
        for programme in r["programmes"]:
            detail |= 1 << programme
        if r["action"]:
            detail |= WITHDRAWN
    fact = Fact(
        kind,
        detail,
        r["event_id"],
        r["company_id"],
        r["worker_id"],
        r["effective_on"],
        r["occurred_at"],
        r["source"],
        r["corrects"] or "",
    )
    return FactEntry(Coordinates(r["topic"], r["partition"], r["offset"]), r["recorded_at"], fact, r["original"])


def _own_bytes() -> tuple[dict[int, bytes], ...]:
    """kind -> detail -> the bytes of employment_type, reason, action and programmes."""
    no_programmes = _NULL
    hires = {i: _SOME + zigzag(i) + _NULL + _NULL + no_programmes for i in range(8)}
    terminations = {i: _NULL + _SOME + zigzag(i) + _NULL + no_programmes for i in range(8)}
    enrollments = {}
    for detail in range(1, 2 * WITHDRAWN):
        programmes = [zigzag(i) for i in range(len(PROGRAMMES)) if detail >> i & 1]
        items = b"".join([zigzag(len(programmes)), *programmes, _NULL]) if programmes else no_programmes
        enrollments[detail] = _NULL + _NULL + _SOME + zigzag(1 if detail & WITHDRAWN else 0) + items
    return terminations, hires, enrollments, {0: _NULL + _NULL + _NULL + no_programmes}


_OWN_BYTES: Final = _own_bytes()
