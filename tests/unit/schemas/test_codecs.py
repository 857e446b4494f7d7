"""Every record of a topic decodes to the encoded value, and the hand-written encoders give the bytes of fastavro."""

import io
from dataclasses import replace
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.chain import CHAIN_BYTES, GENESIS, chain_of, chained
from schemas.codec import InboundCodec, JournalCodec, OutputCodec, UnknownSchema, WireError
from schemas.contacts import Contact
from schemas.ledger_lines import posting
from schemas.mappings import company_mapping
from schemas.records import (
    WINDOW_DAYS,
    Alert,
    Company,
    CompanySet,
    Coordinates,
    DeadLetter,
    Entry,
    Fact,
    FactEntry,
    Policy,
    PolicyEnded,
    PolicySet,
    PolicyStatus,
    Posting,
    Snapshot,
    Tick,
)
from schemas.registry import FixedRegistry
from schemas.vocabulary import (
    ACTIONS,
    BOOK_DISPOSITIONS,
    CORRECTION,
    EMPLOYMENT_TYPES,
    HIRE,
    KINDS,
    PROGRAMME_BIT,
    PROGRAMMES,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
    ClassParts,
    programme_names,
)
from schemas.wire import FRAME_BYTES, bodies, frame, raises_wire_errors, zigzag
from tests.support import journals, records, sink_records
from tests.support.journals import deterministic

INBOUND, JOURNAL, OUTPUTS = InboundCodec(), JournalCodec(), OutputCodec()
REGISTRY = FixedRegistry()


def by_fastavro(subject: str, fields: dict[str, Any]) -> bytes:
    """The bytes that fastavro writes for these fields with the schema of the file."""
    schema_id = REGISTRY.latest_id(subject)
    out = io.BytesIO()
    schema: Any = fastavro.parse_schema(dict(REGISTRY.schema(schema_id)), named_schemas={})
    # Dates and instants stay numbers, because fastavro writes an int of a logical type unchanged.
    fastavro.schemaless_writer(out, schema, fields)
    return b"\x00" + schema_id.to_bytes(4, "big") + out.getvalue()


def common(fact: Fact) -> dict[str, Any]:
    names = ("event_id", "company_id", "worker_id", "effective_on", "occurred_at", "source")
    return {name: getattr(fact, name) for name in names}


def own(fact: Fact) -> dict[str, Any]:
    """The fields of the fact's type, with names as values."""
    if fact.kind == HIRE:
        return {"employment_type": EMPLOYMENT_TYPES[fact.detail]}
    if fact.kind == TERMINATION:
        return {"reason": TERMINATION_REASONS[fact.detail]}
    if fact.kind == CORRECTION:
        return {"corrects": fact.corrects}
    action = ACTIONS[1 if fact.detail & WITHDRAWN else 0]
    return {"action": action, "programmes": list(programme_names(fact.detail))}


@settings(deterministic, max_examples=200)
@given(records.facts())
def test_a_published_fact_is_fastavros_bytes_and_comes_back(fact: Fact) -> None:
    value = INBOUND.encode(fact)
    assert value == by_fastavro(KINDS[fact.kind], common(fact) | own(fact))
    assert INBOUND.decode(value) == (fact, True)


@settings(deterministic, max_examples=200)
@given(records.fact_entries)
def test_a_fact_of_the_journal_is_fastavros_bytes_and_comes_back(entry: FactEntry) -> None:
    absent: dict[str, Any] = {
        "employment_type": None,
        "reason": None,
        "action": None,
        "programmes": [],
        "corrects": None,
    }
    fields = entry.came_from._asdict() | {"recorded_at": entry.recorded_at, "kind": KINDS[entry.fact.kind]}
    value = JOURNAL.encode(entry)
    expected = fields | common(entry.fact) | absent | own(entry.fact) | {"original": entry.original}
    assert value == by_fastavro("journal-fact", expected)
    assert JOURNAL.decode([value]) == [entry]


def class_fields(parts: ClassParts | None) -> dict[str, Any] | None:
    if parts is None:
        return None
    return {
        "employment_type": EMPLOYMENT_TYPES[parts.employment_type],
        "programmes": list(programme_names(parts.programmes)),
        "new": parts.new,
    }


def line_fields(line: Posting) -> dict[str, Any]:
    return {
        "value_on": line.value_on,
        "before": class_fields(line.before),
        "after": class_fields(line.after),
        "quantity": line.quantity,
    }


@settings(deterministic, max_examples=200)
@given(
    st.integers(0, 1000),
    records.longs,
    records.instants,
    records.texts,
    records.texts,
    st.sampled_from(BOOK_DISPOSITIONS),
    st.lists(records.lines, max_size=80),
)
def test_a_ledger_record_is_fastavros_bytes_and_comes_back(
    partition: int, offset: int, at: int, company: str, event: str, disposition: str, lines: list[int]
) -> None:
    value = OUTPUTS.encode_ledger((partition, offset, at), company, event, disposition, lines)
    spelled = tuple(map(posting, lines))
    fields = {
        "partition": partition,
        "offset": offset,
        "recorded_at": at,
        "company_id": company,
        "event_id": event,
        "disposition": disposition.replace(":", "_"),
        "lines": list(map(line_fields, spelled)),
        "chain": chain_of(value),
    }
    assert value == by_fastavro("ledger", fields)
    assert value == chained(GENESIS, value[:-CHAIN_BYTES])
    read = OUTPUTS.decode_ledger(value)
    assert (read.partition, read.offset, read.recorded_at) == (partition, offset, at)
    assert (read.company_id, read.event_id, read.disposition, read.lines) == (company, event, disposition, spelled)


rare_entries = st.one_of(
    st.builds(PolicySet, records.coordinates, records.instants, journals.policies()),
    st.builds(PolicyEnded, records.coordinates, records.instants, records.texts),
    st.builds(CompanySet, records.coordinates, records.instants, journals.companies),
    st.builds(Tick, records.coordinates, records.instants, records.days),
)


@settings(deterministic, max_examples=150)
@given(st.lists(st.one_of(records.fact_entries, rare_entries), max_size=9))
def test_a_journal_comes_back_in_its_order(entries: list[Entry]) -> None:
    assert JOURNAL.decode([JOURNAL.encode(entry) for entry in entries]) == entries


@settings(deterministic, max_examples=60)
@given(records.alerts)
def test_an_alert_comes_back(alert: Alert) -> None:
    assert OUTPUTS.decode_alert(OUTPUTS.encode_alert(alert)) == alert


@settings(deterministic, max_examples=60)
@given(records.snapshots)
def test_a_snapshot_is_fastavros_bytes_and_comes_back(snapshot: Snapshot) -> None:
    value = OUTPUTS.encode_snapshot(snapshot)
    assert value == by_fastavro("snapshot", snapshot_fields(snapshot))
    assert OUTPUTS.decode_snapshot(value) == snapshot


@settings(deterministic, max_examples=60)
@given(records.snapshots)
def test_a_snapshot_of_an_earlier_release_is_read_and_compared_in_its_own_version(snapshot: Snapshot) -> None:
    """The first version has neither baselines nor reasons; everything else is the same, byte for byte."""
    written = bodies(REGISTRY, "snapshot")[40].encode(snapshot_fields(snapshot))
    known = tuple(PolicyStatus(*status[:6]) for status in snapshot.figures.policies)
    assert OUTPUTS.decode_snapshot(written) == replace(snapshot, figures=replace(snapshot.figures, policies=known))
    value = OUTPUTS.encode_snapshot(snapshot)
    assert OUTPUTS.snapshot_in_version_of(written, value) == written
    assert OUTPUTS.snapshot_in_version_of(value, value) == value


@pytest.mark.parametrize("other", [b"", b"?", frame(50), frame(99)], ids=["nothing", "no frame", "an alert", "unknown"])
def test_a_snapshot_is_compared_with_no_other_record(other: bytes) -> None:
    value = OUTPUTS.encode_snapshot(sink_records.snapshot(0))
    with pytest.raises(WireError):
        OUTPUTS.snapshot_in_version_of(other, value)


def snapshot_fields(snapshot: Snapshot) -> dict[str, Any]:
    f = snapshot.figures
    plain = ("company_id", "as_of", "active", "covered", "uncovered_new", "coverage_bp", "coverage_due_bp")
    return {name: getattr(f, name) for name in plain} | {
        "partition": snapshot.partition,
        "offset": snapshot.offset,
        "recorded_at": snapshot.recorded_at,
        "enrolled": [{"programme": p, "workers": n} for p, n in zip(PROGRAMMES, f.enrolled, strict=True)],
        "by_employment_type": [
            {"employment_type": EMPLOYMENT_TYPES[t], "active": active, "covered": covered}
            for t, active, covered in f.by_employment_type
        ],
        "windows": [{"days": days, **window._asdict()} for days, window in zip(WINDOW_DAYS, f.windows, strict=True)],
        "policies": [status._asdict() for status in f.policies],
    }


@settings(deterministic, max_examples=60)
@given(records.dead_letters)
def test_a_dead_letter_comes_back(letter: DeadLetter) -> None:
    assert OUTPUTS.decode_dead_letter(OUTPUTS.encode_dead_letter(letter)) == letter


@settings(deterministic, max_examples=60)
@given(journals.policies())
def test_a_policy_comes_back(policy: Policy) -> None:
    assert OUTPUTS.decode_policy(OUTPUTS.encode_policy(policy)) == policy


people = st.builds(
    Contact,
    name=records.texts,
    role=st.none() | records.texts,
    email=st.none() | records.texts,
    phone=st.none() | records.texts,
    language=st.sampled_from([None, "id", "en"]),
    since=st.none() | st.integers(-10_000, 80_000),
)


@settings(deterministic, max_examples=60)
@given(journals.companies, st.lists(records.texts, max_size=2), st.lists(people, max_size=2))
def test_a_company_comes_back_and_its_contacts_stay_out_of_the_journal(
    company: Company, contacts: list[str], team: list[Contact]
) -> None:
    of_registry = replace(company, contacts=tuple(contacts), team=tuple(team))
    assert OUTPUTS.decode_company(OUTPUTS.encode_company(of_registry)) == of_registry
    entry = CompanySet(Coordinates("t", 0, 0), 0, of_registry)
    assert JOURNAL.decode([JOURNAL.encode(entry)]) == [replace(entry, company=company)]
    assert JOURNAL.encode(entry) == JOURNAL.encode(replace(entry, company=company))


@settings(deterministic, max_examples=60)
@given(journals.companies, st.lists(records.texts, max_size=2))
def test_a_company_without_a_team_has_the_bytes_of_the_first_version(company: Company, contacts: list[str]) -> None:
    """So earlier releases read it."""
    company = replace(company, contacts=tuple(contacts))
    first = dict(company_mapping(company))
    assert OUTPUTS.encode_company(company) == frame(10) + bodies(REGISTRY, "company")[10].encode(first)[FRAME_BYTES:]
    assert "team" not in first


@settings(deterministic, max_examples=200)
@given(records.longs)
def test_numbers_are_written_as_avro_writes_them(number: int) -> None:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, "long", number)
    assert zigzag(number) == out.getvalue()


def test_a_ledger_record_of_another_schema_is_refused() -> None:
    alert_id, tick = REGISTRY.latest_id("alert"), Tick(Coordinates("t", 0, 0), 0, 0)
    with pytest.raises(UnknownSchema):
        OUTPUTS.decode_ledger(frame(alert_id) + b"\x00")
    with pytest.raises(UnknownSchema):
        JOURNAL.decode([frame(alert_id) + JOURNAL.encode(tick)[FRAME_BYTES:]])


FACT = JOURNAL.encode(FactEntry(Coordinates("t", 0, 1), 5, Fact(HIRE, 1, "e1", "C1", "w1", 20_000, 5, "hris", "")))
HIRED = b"hris\x02\x02"  # the source, then employment type 1 in a union with null


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([FACT[:-1]], id="a fact cut off"),
        pytest.param([FACT[:-1], FACT], id="a fact cut off before another"),
        pytest.param([FACT + b"\x00"], id="a byte too many"),
        pytest.param([FACT + b"\x00", FACT], id="a byte too many before another"),
        pytest.param([FACT[:FRAME_BYTES]], id="a frame alone"),
        pytest.param([FACT.replace(b"hris", b"\xff\xff\xff\xff")], id="a text that is not UTF-8"),
        pytest.param([FACT.replace(HIRED, b"hris\x02\x0e")], id="an employment type that there is not"),
        pytest.param([FACT.replace(HIRED, b"hris\x00")], id="a hire without an employment type"),
        pytest.param([b""], id="nothing"),
    ],
)
def test_what_no_journal_can_hold_is_refused(values: list[bytes]) -> None:
    with pytest.raises(WireError):
        JOURNAL.decode(values)


class Decoder:
    """Decodes a programme's name to its bit. Only six names are known, so others raise KeyError."""

    @raises_wire_errors
    def decode(self, name: str) -> int:
        return PROGRAMME_BIT[name]


def test_fields_that_make_no_record_are_a_wire_error_too() -> None:
    assert Decoder().decode("JKK") == PROGRAMME_BIT["JKK"]
    with pytest.raises(WireError):
        Decoder().decode("JXX")
