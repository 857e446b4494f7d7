"""The records that the book-keeper writes, to and from Avro, and those of the two reference topics.

Every fact gives a ledger record, so these are written and read without fastavro (schemas.ledger_bytes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from schemas.chain import GENESIS, chained
from schemas.fact_bytes import NOT_PLAIN
from schemas.ledger_bytes import ledger_content, plain_ledger
from schemas.ledger_lines import Line
from schemas.mappings import company_from, company_mapping, policy_from, policy_mapping
from schemas.records import (
    Alert,
    Company,
    Coordinates,
    DeadLetter,
    Figures,
    Instant,
    LedgerRecord,
    Policy,
    PolicyStatus,
    Posting,
    Snapshot,
    Window,
)
from schemas.registry import FixedRegistry, SchemaRegistry
from schemas.snapshot_bytes import snapshot_content
from schemas.vocabulary import (
    BOOK_DISPOSITIONS,
    EMPLOYMENT_TYPE_NUMBER,
    ClassParts,
    programme_set,
)
from schemas.wire import NO_ALIASES, NO_ID, UnknownSchema, bodies, raises_wire_errors, split_frame

# An Avro symbol has no colon.
_SYMBOL: Final = {disposition: disposition.replace(":", "_") for disposition in BOOK_DISPOSITIONS}
_DISPOSITION: Final = {symbol: disposition for disposition, symbol in _SYMBOL.items()}


class OutputCodec:
    """Encodes and decodes the records of the topics after the journal, and of the reference topics.

    Decoding raises WireError, and nothing else, for a value that cannot be read. `aliases`: as in InboundCodec."""

    def __init__(self, registry: SchemaRegistry | None = None, aliases: Mapping[int, int] = NO_ALIASES) -> None:
        registry = registry or FixedRegistry()
        self._aliases = aliases
        self._versions = {name: bodies(registry, name) for name in _SUBJECTS}
        self._body = {name: self._versions[name][registry.latest_id(name)] for name in _SUBJECTS}
        self._first_company = self._versions["company"][registry.ids("company")[0]]
        self._first_letter = self._versions["dead-letter"][registry.ids("dead-letter")[0]]
        self._ledger_frame = self._body["ledger"].frame

    # ---- ledger

    def encode_ledger(
        self,
        at: tuple[int, int, Instant],
        company_id: str,
        event_id: str,
        disposition: str,
        lines: Sequence[Line],
        before: bytes = GENESIS,
    ) -> bytes:
        """The framed record of one fact. `at` = (partition, offset, recorded_at) of its entry in the journal; `before`
        is the chain value of the partition's record before."""
        return chained(before, self._ledger_frame + ledger_content(at, company_id, event_id, disposition, lines))

    def decode_ledger(self, value: bytes) -> LedgerRecord:
        if value.startswith(self._ledger_frame):
            try:
                return plain_ledger(value)
            except NOT_PLAIN:
                return self._slowly(value)
        return self._slowly(value)

    @raises_wire_errors
    def _slowly(self, value: bytes) -> LedgerRecord:
        """A ledger record, by fastavro."""
        fields = self._decode("ledger", value)
        lines = tuple(
            Posting(line["value_on"], _class_parts(line["before"]), _class_parts(line["after"]), line["quantity"])
            for line in fields["lines"]
        )
        return LedgerRecord(**{**fields, "disposition": _DISPOSITION[fields["disposition"]], "lines": lines})

    # ---- alerts, snapshots, dead letters

    def encode_alert(self, alert: Alert) -> bytes:
        return self._body["alert"].encode(asdict(alert))

    @raises_wire_errors
    def decode_alert(self, value: bytes) -> Alert:
        return Alert(**self._decode("alert", value))

    def encode_snapshot(self, snapshot: Snapshot) -> bytes:
        return self._body["snapshot"].frame + snapshot_content(snapshot)

    @raises_wire_errors
    def decode_snapshot(self, value: bytes) -> Snapshot:
        r = self._decode("snapshot", value)
        figures = Figures(
            company_id=r["company_id"],
            as_of=r["as_of"],
            active=r["active"],
            covered=r["covered"],
            uncovered_new=r["uncovered_new"],
            enrolled=tuple(e["workers"] for e in r["enrolled"]),
            by_employment_type=tuple(
                (EMPLOYMENT_TYPE_NUMBER[e["employment_type"]], e["active"], e["covered"])
                for e in r["by_employment_type"]
            ),
            coverage_bp=r["coverage_bp"],
            coverage_due_bp=r["coverage_due_bp"],
            windows=tuple(Window(**{k: v for k, v in w.items() if k != "days"}) for w in r["windows"]),
            policies=tuple(PolicyStatus(**p) for p in r["policies"]),
        )
        return Snapshot(figures, r["partition"], r["offset"], r["recorded_at"])

    def snapshot_in_version_of(self, other: bytes, value: bytes) -> bytes:
        """The snapshot `value` in the version of the schema in which `other` was written: so one that an earlier
        release wrote can be compared byte for byte. What that version does not have is left out. Raises WireError."""
        version = split_frame(other)
        if version == split_frame(value):
            return value
        body = self._versions["snapshot"].get(version)
        if body is None:
            raise UnknownSchema
        return body.encode(self._decode("snapshot", value))

    def encode_dead_letter(self, letter: DeadLetter) -> bytes:
        """A dead letter without a field is written with the first version of the schema: the book-keeper's own are
        compared byte for byte with those of earlier releases."""
        topic, partition, offset = letter.came_from
        fields = asdict(letter) | {"topic": topic, "partition": partition, "offset": offset}
        del fields["came_from"]
        body = self._first_letter if letter.field is None and letter.rule is None else self._body["dead-letter"]
        return body.encode(fields)

    @raises_wire_errors
    def decode_dead_letter(self, value: bytes) -> DeadLetter:
        r = self._decode("dead-letter", value)
        came_from = Coordinates(r.pop("topic"), r.pop("partition"), r.pop("offset"))
        return DeadLetter(came_from=came_from, **r)

    # ---- reference topics

    def encode_company(self, company: Company) -> bytes:
        """An entry without a team is written with the first version of the schema, which earlier releases read."""
        body = self._body["company"] if company.team else self._first_company
        return body.encode(company_mapping(company))

    @raises_wire_errors
    def decode_company(self, value: bytes) -> Company:
        return company_from(self._decode("company", value))

    def encode_policy(self, policy: Policy) -> bytes:
        return self._body["policy"].encode(policy_mapping(policy))

    @raises_wire_errors
    def decode_policy(self, value: bytes) -> Policy:
        return policy_from(self._decode("policy", value))

    def _decode(self, subject: str, value: bytes) -> dict[str, Any]:
        schema_id, versions = split_frame(value), self._versions[subject]
        body = versions.get(schema_id) or versions.get(self._aliases.get(schema_id, NO_ID))
        if body is None:
            raise UnknownSchema
        return body.decode(value)


_SUBJECTS: Final = ("ledger", "alert", "snapshot", "dead-letter", "company", "policy")


def _class_parts(fields: dict[str, Any] | None) -> ClassParts | None:
    if fields is None:
        return None
    return ClassParts(
        EMPLOYMENT_TYPE_NUMBER[fields["employment_type"]], programme_set(fields["programmes"]), fields["new"]
    )
