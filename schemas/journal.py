"""Journal entries to and from Avro.

Most entries are facts: they are written from ready-made bytes, and read without fastavro if they are in plain form
(schemas.fact_bytes). Whatever is not in plain form, and the other entries, which are rare, go through fastavro.
"""

from collections.abc import Sequence
from typing import Any, Final

from schemas.fact_bytes import (
    INSTANT_BYTES,
    NOT_PLAIN,
    ODD_OR_LONG,
    OWN_FIELDS,
    NotPlain,
    OwnFields,
    common_fields,
    fact_from,
    read_fact,
    read_instant,
    read_long,
    repeated_string,
    repeated_text,
)
from schemas.mappings import company_from, company_mapping, policy_from, policy_mapping
from schemas.records import CompanySet, Coordinates, Entry, FactEntry, PolicyEnded, PolicySet, Tick, from_fields
from schemas.registry import FixedRegistry, SchemaRegistry
from schemas.vocabulary import CORRECTION
from schemas.wire import (
    END,
    FRAME_BYTES,
    NULL,
    SOME,
    Body,
    UnknownSchema,
    bodies,
    frame,
    raises_wire_errors,
    split_frame,
    string,
    zigzag,
)


class JournalCodec:
    """Encodes entries one by one, decodes them a batch at a time."""

    def __init__(self, registry: SchemaRegistry | None = None) -> None:
        registry = registry or FixedRegistry()
        self._fact_frame = frame(registry.latest_id("journal-fact"))
        self._facts = {frame(i): body for i, body in bodies(registry, "journal-fact", enums=False).items()}
        self._bodies: dict[str, Body] = {}
        self._rare: dict[int, tuple[str, Body]] = {}
        for name in _RARE:
            versions = bodies(registry, f"journal-{name}")
            self._bodies[name] = versions[registry.latest_id(f"journal-{name}")]
            self._rare |= {schema_id: (name, body) for schema_id, body in versions.items()}

    def encode_fact(self, entry: FactEntry, common: bytes | None = None) -> bytes:
        """The framed value of a fact: the bytes that fastavro would give, put together from constants.

        `common` are the bytes of the fact's common fields, if the caller has them.
        """
        (topic, partition, offset), recorded_at, fact, original = entry
        if common is None:
            common = common_fields(fact)
        corrects = SOME + string(fact.corrects) if fact.kind == CORRECTION else NULL
        return b"".join(
            (
                self._fact_frame,
                repeated_string(topic),
                zigzag(partition),
                zigzag(offset),
                zigzag(recorded_at),
                zigzag(fact.kind),
                common,
                _OWN_BYTES[fact.kind][fact.detail],
                corrects,
                NULL if original is None else SOME + zigzag(len(original)) + original,
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

    @raises_wire_errors
    def decode(self, values: Sequence[bytes]) -> list[Entry]:
        """The entries of these framed values, in order; WireError for a value that cannot be read."""
        entries: list[Entry] = []
        plain_frame = self._fact_frame
        for value in values:
            if value[:FRAME_BYTES] == plain_frame:
                try:
                    entries.append(plain_fact(value))
                except NOT_PLAIN:
                    entries.append(_fact_entry(self._facts[plain_frame].decode(value)))
            elif value[:FRAME_BYTES] in self._facts:
                entries.append(_fact_entry(self._facts[value[:FRAME_BYTES]].decode(value)))
            else:
                entries.append(self._decode_rare(value))
        return entries

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


def plain_fact(value: bytes) -> FactEntry:
    """A framed fact in plain form; one of NOT_PLAIN for any other, and for corrections and facts with `original`."""
    topic_bytes = value[FRAME_BYTES]
    partition_at = FRAME_BYTES + 1 + (topic_bytes >> 1)
    partition, offset_at = read_long(value, partition_at)
    offset, recorded_at = read_long(value, offset_at)
    kind_at = recorded_at + INSTANT_BYTES
    kind = _KIND.get(value[kind_at])
    if kind is None or topic_bytes & ODD_OR_LONG:
        raise NotPlain
    came_from = from_fields(Coordinates, (repeated_text(value[FRAME_BYTES + 1 : partition_at]), partition, offset))
    fact = read_fact(value, kind_at + 1, kind, _DETAIL[kind])
    return from_fields(FactEntry, (came_from, read_instant(value[recorded_at:kind_at]), fact, None))


def _fact_entry(fields: dict[str, Any]) -> FactEntry:
    came_from = Coordinates(fields["topic"], fields["partition"], fields["offset"])
    return FactEntry(came_from, fields["recorded_at"], fact_from(fields["kind"], fields), fields["original"])


def _own_bytes(own: OwnFields) -> bytes:
    """employment_type, reason and action in unions with null, and programmes."""
    maybe = [NULL if field is None else SOME + field for field in own[:3]]
    return b"".join((*maybe, END if own.programmes is None else own.programmes))


# kind -> detail -> the bytes of the fields that only some kinds have
_OWN_BYTES: Final = {
    kind: {detail: _own_bytes(own) for detail, own in details.items()}
    for kind, details in {**OWN_FIELDS, CORRECTION: {0: OwnFields()}}.items()
}

_KIND: Final = {zigzag(kind)[0]: kind for kind in OWN_FIELDS}
# kind -> the bytes after the common fields -> detail; without `corrects` and `original`
_DETAIL: Final = {
    kind: {own + NULL + NULL: detail for detail, own in details.items()} for kind, details in _OWN_BYTES.items()
}
