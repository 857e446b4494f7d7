"""The simple work itself, without Kafka. In every way the same input bytes give the same output bytes.

This module may import only the standard library and fastavro, because a competitor's environment has nothing else.
"""

import io
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any, Final, NamedTuple

from fastavro import parse_schema, schemaless_reader, schemaless_writer

Event = dict[str, Any]
KeyValue = tuple[bytes, bytes]

THRESHOLD_PCT: Final = 38
OUTSIDE: Final = 0
INSIDE: Final = 1
ENROLLED: Final = 2

_FACT: Final[tuple[dict[str, str], ...]] = (
    {"name": "event_id", "type": "string"},
    {"name": "company_id", "type": "string"},
    {"name": "worker_id", "type": "string"},
    {"name": "kind", "type": "string"},
    {"name": "at", "type": "long"},
)
FACT: Final = parse_schema({"type": "record", "name": "Fact", "fields": list(_FACT)})
FACTS: Final = parse_schema({"type": "array", "items": {"type": "record", "name": "OneOfMany", "fields": list(_FACT)}})
LEDGER: Final = parse_schema(
    {
        "type": "record",
        "name": "Ledger",
        "fields": [
            {"name": "id", "type": "string"},
            *_FACT,
            {"name": "active", "type": "int"},
            {"name": "enrolled", "type": "int"},
        ],
    }
)
ALERT: Final = parse_schema(
    {
        "type": "record",
        "name": "Alert",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "company_id", "type": "string"},
            {"name": "above", "type": "boolean"},
            {"name": "active", "type": "int"},
            {"name": "enrolled", "type": "int"},
        ],
    }
)
# Confluent's wire format begins with a zero byte and the schema id.
HEAD_FACT: Final = b"\0\0\0\0\1"
HEAD_LEDGER: Final = b"\0\0\0\0\2"
HEAD_ALERT: Final = b"\0\0\0\0\3"


class Company(NamedTuple):
    """The state of a company."""

    active: int = 0
    enrolled: int = 0
    above: bool = False


NEW: Final = Company()


class Posted(NamedTuple):
    """The effect of a batch: records in order, and every changed row."""

    ledger: list[KeyValue]
    alerts: list[KeyValue]
    workers: dict[str, int]
    companies: dict[str, Company]


def encode_fact(fact: Event) -> bytes:
    """The fact in the bytes that publishers send."""
    return _encoded(FACT, HEAD_FACT, fact)


def decode(value: bytes) -> Event:
    """One fact."""
    fact: Event = schemaless_reader(io.BytesIO(value[5:]), FACT)  # type: ignore[assignment]
    return fact


def decode_many(values: Sequence[bytes]) -> list[Event]:
    """Many facts with one call: an Avro array is a count and its items."""
    if any(value[:5] != HEAD_FACT for value in values):
        return [decode(value) for value in values]
    block = b"".join((_zigzag(len(values)), *(value[5:] for value in values), b"\0"))
    facts: list[Event] = schemaless_reader(io.BytesIO(block), FACTS)  # type: ignore[assignment]
    return facts


def post(kind: str, worker: int, company: Company) -> tuple[int, Company] | None:
    """The states of worker and company after a fact; None if it changes nothing."""
    active, enrolled, _ = company
    if kind == "hire" and worker == OUTSIDE:
        after, active = INSIDE, active + 1
    elif kind == "enrol" and worker == INSIDE:
        after, enrolled = ENROLLED, enrolled + 1
    elif kind == "term" and worker != OUTSIDE:
        after, active, enrolled = OUTSIDE, active - 1, enrolled - (worker == ENROLLED)
    else:
        return None
    return after, Company(active, enrolled, active > 0 and 100 * enrolled >= THRESHOLD_PCT * active)


def ledger_record(fact: Event, entry_id: str, company: Company) -> bytes:
    """The ledger's record for a fact that changed something."""
    return _encoded(
        LEDGER, HEAD_LEDGER, {**fact, "id": entry_id, "active": company.active, "enrolled": company.enrolled}
    )


def alert_record(company_id: str, entry_id: str, company: Company) -> bytes:
    """The alert of a company that has crossed the threshold."""
    return _encoded(ALERT, HEAD_ALERT, {"id": entry_id, "company_id": company_id, **company._asdict()})


def post_batch(
    partition: int,
    records: Iterable[tuple[int, bytes, bytes]],
    workers: MutableMapping[str, int],
    companies: MutableMapping[str, Company],
) -> Posted:
    """Post a batch of (offset, key, value). Updates `workers` and `companies`, the state of the partition."""
    rows = list(records)
    done = Posted([], [], {}, {})
    for (offset, key, _), fact in zip(rows, decode_many([row[2] for row in rows]), strict=True):
        company_id, worker_id = fact["company_id"], fact["worker_id"]
        before = companies.get(company_id, NEW)
        posted = post(fact["kind"], workers.get(worker_id, OUTSIDE), before)
        if posted is None:
            continue
        worker, company = posted
        workers[worker_id] = done.workers[worker_id] = worker
        companies[company_id] = done.companies[company_id] = company
        entry_id = f"{partition}-{offset}"
        done.ledger.append((key, ledger_record(fact, entry_id, company)))
        if company.above != before.above:
            done.alerts.append((key, alert_record(company_id, entry_id, company)))
    return done


def state_rows(posted: Posted) -> dict[bytes, bytes]:
    """The changed state as rows of bytes, for ways that write their own changelog."""
    workers = {b"w" + name.encode(): b"%d" % worker for name, worker in posted.workers.items()}
    companies = {b"c" + name.encode(): b"%d %d %d" % company for name, company in posted.companies.items()}
    return workers | companies


def _encoded(schema: Any, head: bytes, fields: Event) -> bytes:
    out = io.BytesIO()
    out.write(head)
    schemaless_writer(out, schema, fields)
    return out.getvalue()


def _zigzag(count: int) -> bytes:
    """A count as Avro writes a long."""
    left, out = count << 1, bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)
