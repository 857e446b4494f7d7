"""What the book says, to and from Avro: ledger, alerts, snapshots, dead letters; and the two reference topics.

A ledger record goes out for every fact, so it is put together from ready-made bytes of its classes.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from schemas.chain import GENESIS, chained
from schemas.mappings import company_from, company_mapping, policy_from, policy_mapping
from schemas.records import (
    WINDOW_DAYS,
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
from schemas.vocabulary import (
    BOOK_DISPOSITIONS,
    CLASSES,
    EMPLOYMENT_TYPE_NUMBER,
    EMPLOYMENT_TYPES,
    PROGRAMMES,
    ClassParts,
    programme_names,
    programme_set,
)
from schemas.wire import UnknownSchema, bodies, split_frame, zigzag

# An Avro symbol has no colon.
_SYMBOL: Final = {disposition: disposition.replace(":", "_") for disposition in BOOK_DISPOSITIONS}
_DISPOSITION: Final = {symbol: disposition for disposition, symbol in _SYMBOL.items()}
_DISPOSITION_BYTES: Final = {disposition: zigzag(i) for i, disposition in enumerate(BOOK_DISPOSITIONS)}


class OutputCodec:
    """Encodes and decodes the records of the topics after the journal, and of the reference topics."""

    def __init__(self, registry: SchemaRegistry | None = None) -> None:
        registry = registry or FixedRegistry()
        self._versions = {name: bodies(registry, name) for name in _SUBJECTS}
        self._body = {name: self._versions[name][registry.latest_id(name)] for name in _SUBJECTS}

    # ---- ledger

    def encode_ledger(
        self,
        at: tuple[bytes, int, Instant],
        company_id: str,
        event_id: str,
        disposition: str,
        lines: Sequence[int],
        before: bytes = GENESIS,
    ) -> bytes:
        """The framed record of one fact. `at` = (zigzag of the partition, offset, recorded_at); a line is the number
        that the core posts: value_on, class before and after, and whether it now holds, from the highest bits down;
        `before` is the chain value of the partition's record before."""
        partition, offset, recorded_at = at
        company, event = company_id.encode(), event_id.encode()
        parts = [
            self._body["ledger"].frame,
            partition,
            zigzag(offset),
            zigzag(recorded_at),
            zigzag(len(company)),
            company,
            zigzag(len(event)),
            event,
            _DISPOSITION_BYTES[disposition],
        ]
        if lines:
            parts.append(zigzag(len(lines)))
            for line in lines:
                parts += (zigzag(line >> 21), _line_tail(line & 0x1FFFFF))
        parts.append(b"\x00")
        return chained(before, b"".join(parts))

    def decode_ledger(self, value: bytes) -> LedgerRecord:
        fields = self._decode("ledger", value)
        lines = tuple(
            Posting(line["value_on"], _class_parts(line["before"]), _class_parts(line["after"]), line["quantity"])
            for line in fields["lines"]
        )
        return LedgerRecord(**{**fields, "disposition": _DISPOSITION[fields["disposition"]], "lines": lines})

    # ---- alerts, snapshots, dead letters

    def encode_alert(self, alert: Alert) -> bytes:
        return self._body["alert"].encode(asdict(alert))

    def decode_alert(self, value: bytes) -> Alert:
        return Alert(**self._decode("alert", value))

    def encode_snapshot(self, snapshot: Snapshot) -> bytes:
        f = snapshot.figures
        return self._body["snapshot"].encode(
            {
                "company_id": f.company_id,
                "as_of": f.as_of,
                "partition": snapshot.partition,
                "offset": snapshot.offset,
                "recorded_at": snapshot.recorded_at,
                "active": f.active,
                "covered": f.covered,
                "uncovered_new": f.uncovered_new,
                "enrolled": [{"programme": p, "workers": n} for p, n in zip(PROGRAMMES, f.enrolled, strict=True)],
                "by_employment_type": [
                    {"employment_type": EMPLOYMENT_TYPES[t], "active": active, "covered": covered}
                    for t, active, covered in f.by_employment_type
                ],
                "coverage_bp": f.coverage_bp,
                "coverage_due_bp": f.coverage_due_bp,
                "windows": [
                    {"days": days, **window._asdict()} for days, window in zip(WINDOW_DAYS, f.windows, strict=True)
                ],
                "policies": [status._asdict() for status in f.policies],
            }
        )

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

    def encode_dead_letter(self, letter: DeadLetter) -> bytes:
        topic, partition, offset = letter.came_from
        fields = asdict(letter) | {"topic": topic, "partition": partition, "offset": offset}
        del fields["came_from"]
        return self._body["dead-letter"].encode(fields)

    def decode_dead_letter(self, value: bytes) -> DeadLetter:
        r = self._decode("dead-letter", value)
        came_from = Coordinates(r.pop("topic"), r.pop("partition"), r.pop("offset"))
        return DeadLetter(came_from=came_from, **r)

    # ---- reference topics

    def encode_company(self, company: Company) -> bytes:
        return self._body["company"].encode(company_mapping(company))

    def decode_company(self, value: bytes) -> Company:
        return company_from(self._decode("company", value))

    def encode_policy(self, policy: Policy) -> bytes:
        return self._body["policy"].encode(policy_mapping(policy))

    def decode_policy(self, value: bytes) -> Policy:
        return policy_from(self._decode("policy", value))

    def _decode(self, subject: str, value: bytes) -> dict[str, Any]:
        body = self._versions[subject].get(split_frame(value))
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


def _class_bytes(parts: ClassParts | None) -> bytes:
    """A class as Avro writes it in a union with null."""
    if parts is None:
        return b"\x00"
    programmes = [zigzag(PROGRAMMES.index(name)) for name in programme_names(parts.programmes)]
    items = b"".join([zigzag(len(programmes)), *programmes]) if programmes else b""
    return b"\x02" + zigzag(parts.employment_type) + items + b"\x00" + (b"\x01" if parts.new else b"\x00")


_CLASS_BYTES: Final = tuple(map(_class_bytes, CLASSES))
_line_tails: dict[int, bytes] = {}


def _line_tail(tail: int) -> bytes:
    """Classes and quantity of a line. There are under a million of them, and a few hundred occur: kept."""
    known = _line_tails.get(tail)
    if known is None:
        quantity = b"\x02" if tail & 1 else b"\x01"
        known = _line_tails[tail] = _CLASS_BYTES[tail >> 11] + _CLASS_BYTES[tail >> 1 & 1023] + quantity
    return known
