"""The recorder turns raw records into journal entries and dead letters. Tests cover each reason, and their order."""

from pathlib import Path
from typing import Any

import pytest

from schemas.admission import REFERENCE_BYTES_MAX
from schemas.codec import InboundCodec, JournalCodec, OutputCodec
from schemas.dates import day
from schemas.records import (
    TICK_SOURCE,
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
    Tick,
)
from schemas.topics import TopicNames
from schemas.wire import frame
from streams.lane.records import Append
from streams.partitioning import partition_of
from streams.recorder import Recorder
from streams.settings import REPLAY, WALL, InboundTopic, StreamSettings
from tests.support.facts import correction, enrollment, hire, noon, termination
from tests.support.raw_records import RawRecord

PREFIX, PARTITIONS = "t1.", 5
NAMES = TopicNames(PREFIX)
ENROLLMENTS = "agency.enrollments.v1"
NOW = noon("2025-09-03")
NIK = "3175012345678901"
INBOUND, JOURNAL, OUTPUTS = InboundCodec(), JournalCodec(), OutputCodec()
FACT = hire("e1", "2025-09-01")
AT = noon("2025-09-02")


def recorder(clock: str = REPLAY) -> Recorder:
    inbound = (InboundTopic(), InboundTopic(ENROLLMENTS, ("enrollment", "correction")))
    settings = StreamSettings("", Path(), NAMES, PARTITIONS, inbound, clock)
    return Recorder(settings, lambda: NOW)


def record(fact: Fact, offset: int = 7, **other: Any) -> RawRecord:
    fields: dict[str, Any] = {"key": fact.company_id.encode(), "value": INBOUND.encode(fact), "timestamp": AT} | other
    return RawRecord(offset, **fields)


def entry_of(append: Append) -> Entry:
    assert append.topic == NAMES.journal and append.value is not None
    return JOURNAL.decode([append.value])[0]


def letter_of(appends: list[Append]) -> DeadLetter:
    (append,) = appends
    assert append.topic == NAMES.dead_letters and append.value is not None
    return OUTPUTS.decode_dead_letter(append.value)


def step(raw: RawRecord, topic: str = NAMES.facts, clock: str = REPLAY, partition: int = 3) -> list[Append]:
    return recorder(clock).step(topic, partition, [raw])


@pytest.mark.parametrize(
    "fact",
    [FACT, termination("e1", "2025-09-01"), enrollment("e1", "2025-09-01", "JMO JP"), correction("e1", "e0")],
    ids=["hire", "termination", "enrollment", "correction"],
)
def test_a_fact_goes_to_the_partition_of_its_company(fact: Fact) -> None:
    (append,) = step(record(fact))
    assert append.partition == partition_of(b"C1", PARTITIONS) and append.key == b"C1"
    assert entry_of(append) == FactEntry(Coordinates(NAMES.facts, 3, 7), AT, fact)


@pytest.mark.parametrize(
    "programmes",
    [
        pytest.param(b"\x04\x04\x02\x00", id="programmes in another order"),
        pytest.param(b"\x06\x04\x02\x04\x00", id="a programme twice, a byte longer"),
    ],
)
def test_bytes_that_cannot_be_made_again_are_kept(programmes: bytes) -> None:
    fact = enrollment("e1", "2025-09-01", "JKK JKM")
    other = INBOUND.encode(fact).replace(b"\x04\x02\x04\x00", programmes)
    (append,) = step(record(FACT, value=other))
    assert entry_of(append) == FactEntry(Coordinates(NAMES.facts, 3, 7), AT, fact, other)


@pytest.mark.parametrize(("clock", "recorded_at"), [(REPLAY, AT), (WALL, NOW)])
def test_the_clock_of_the_book_stamps_everything(clock: str, recorded_at: int) -> None:
    company, policy = Company("C1"), Policy("P", 2000, 20_000, title="P")
    raws = [
        (NAMES.facts, record(FACT)),
        (NAMES.companies, RawRecord(1, b"C1", OUTPUTS.encode_company(company), AT)),
        (NAMES.policies, RawRecord(2, b"P", OUTPUTS.encode_policy(policy), AT)),
    ]
    for topic, raw in raws:
        for append in step(raw, topic, clock):
            assert entry_of(append).recorded_at == recorded_at
    assert letter_of(step(record(FACT, value=b"?"), clock=clock)).recorded_at == recorded_at


def test_a_batch_keeps_its_order() -> None:
    raws = [record(FACT, 1), record(FACT, 2, value=None), record(hire("e2", "2025-09-01", company="C2"), 3)]
    appends = recorder().step(NAMES.facts, 0, raws)
    assert [append.topic for append in appends] == [NAMES.journal, NAMES.dead_letters, NAMES.journal]


VALUE = INBOUND.encode(FACT)
NATIONAL = FACT._replace(worker_id=NIK)
LATE = "2026-09-03"  # a year and a day after the recording
REFUSED = [
    pytest.param(record(FACT, value=b"\x01" * 16_383), "oversized", id="16385 bytes with the key, whatever they are"),
    pytest.param(record(FACT, key=None, value=b"x" * 16_385), "oversized", id="16385 bytes without a key"),
    pytest.param(record(FACT, key=b"k" * 16_385, value=VALUE), "oversized", id="a key of 16385 bytes"),
    pytest.param(record(FACT, value=None), "bad_magic", id="a tombstone"),
    pytest.param(record(FACT, value=b"\x01" * 16_382), "bad_magic", id="16384 bytes without a frame"),
    pytest.param(record(FACT, value=b"{}"), "bad_magic", id="JSON"),
    pytest.param(record(FACT, value=frame(77) + VALUE[5:]), "unknown_schema", id="a schema that is not there"),
    pytest.param(record(FACT, value=VALUE + b"\x00"), "decode_error", id="a byte too many"),
    pytest.param(record(NATIONAL._replace(event_id="")), "national_id", id="a national id before a wrong field"),
    pytest.param(record(NATIONAL, key=b"C2"), "national_id", id="a national id before a wrong key"),
    pytest.param(record(FACT._replace(worker_id="1" * 11)), "national_id", id="a participant number"),
    pytest.param(record(FACT._replace(event_id="e 1"), key=b"C2"), "invalid_field", id="a wrong field before the key"),
    pytest.param(record(FACT, timestamp=-1), "invalid_field", id="a record without a time"),
    pytest.param(record(FACT, timestamp=7_258_118_400_000), "invalid_field", id="a time of recording in 2200"),
    pytest.param(record(hire("e1", LATE), key=b"C2"), "key_mismatch", id="a wrong key before the range"),
    pytest.param(record(FACT, key=None), "key_mismatch", id="no key"),
    pytest.param(record(hire("e1", LATE)), "effective_on_out_of_range", id="out of range"),
]


@pytest.mark.parametrize(("raw", "reason"), REFUSED)
def test_the_first_reason_that_applies_is_given(raw: RawRecord, reason: str) -> None:
    letter = letter_of(step(raw))
    assert letter.reason == reason
    assert letter.came_from == Coordinates(NAMES.facts, 3, 7)
    assert (letter.key_bytes, letter.value_bytes) == (len(raw.key or b""), len(raw.value or b""))
    kept = (None, None) if reason == "national_id" else (raw.key, raw.value)
    assert (letter.key, letter.value) == kept


FIELDS = [
    pytest.param(record(FACT._replace(event_id="e 1")), "event_id", id="a wrong event_id"),
    pytest.param(record(enrollment("e1", "2025-09-01", "")), "programmes", id="no programme"),
    pytest.param(record(FACT, timestamp=-1), "recorded_at", id="a record without a time"),
    pytest.param(record(NATIONAL), "worker_id", id="a national id"),
    pytest.param(record(FACT, key=b"C2"), "company_id", id="a wrong key"),
    pytest.param(record(hire("e1", LATE)), "effective_on", id="out of range"),
    pytest.param(record(FACT, value=b"{}"), None, id="no Avro: about no field"),
]


@pytest.mark.parametrize(("raw", "field"), FIELDS)
def test_the_letter_names_the_field_and_its_rule(raw: RawRecord, field: str | None) -> None:
    letter = letter_of(step(raw))
    assert (letter.field, letter.rule is None) == (field, field is None)
    assert letter.rule is None or letter.rule.startswith("must ")


def test_the_largest_record_is_taken() -> None:
    # 16384 bytes are within the limit; the recorder refuses the record because one text is too long for its rule.
    room = 16_384 - len(b"C1") - len(VALUE) + len("hris") - 2
    raw = record(FACT._replace(source="s" * room))
    assert len(raw.value or b"") + 2 == 16_384
    assert letter_of(step(raw)).reason == "invalid_field"


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (FACT, "type_not_allowed"),
        (termination("e1", LATE), "type_not_allowed"),
        (enrollment("e1", "2025-09-01"), None),
        (correction("e1", "e0"), None),
        (enrollment("e1", LATE), "effective_on_out_of_range"),
    ],
    ids=["hire", "termination out of range", "enrollment", "correction", "enrollment out of range"],
)
def test_a_topic_carries_only_its_types(fact: Fact, reason: str | None) -> None:
    appends = step(record(fact), PREFIX + ENROLLMENTS)
    assert (letter_of(appends).reason if appends[0].topic == NAMES.dead_letters else None) == reason


@pytest.mark.parametrize(
    "raw",
    [
        record(NATIONAL),
        record(NATIONAL, key=NIK.encode()),
        record(NATIONAL._replace(event_id=NIK + " ", source=NIK)),
        record(NATIONAL._replace(source=f"hris {NIK}")),
        record(NATIONAL._replace(event_id=NIK)),
        record(NATIONAL._replace(event_id=f"hire-{NIK}-1")),
    ],
    ids=["as worker", "as key too", "in id and source too", "in a source", "as event_id", "in an event_id"],
)
def test_a_dead_letter_for_a_national_id_never_has_it(raw: RawRecord) -> None:
    (append,) = step(raw)
    assert NIK.encode() not in b"".join(filter(None, (append.key, append.value)))
    assert letter_of([append]).value_bytes == len(raw.value or b"")


def test_a_dead_letter_is_known_by_its_coordinates_and_says_what_is_readable() -> None:
    (append,) = step(record(FACT, key=b"C2"), partition=13)
    assert append.key == f"{NAMES.facts}/13/7".encode() and append.partition == 13 % PARTITIONS
    letter = letter_of([append])
    assert (letter.event_id, letter.source) == ("e1", "hris")


# ---------------------------------------------------------------- registry and policies


def test_a_registry_entry_goes_to_its_company_without_contacts() -> None:
    company = Company("C1", "PT", "15201", "Batam", contacts=("hr@pt",))
    (append,) = step(RawRecord(4, b"C1", OUTPUTS.encode_company(company), AT), NAMES.companies)
    assert append.partition == partition_of(b"C1", PARTITIONS)
    expected = CompanySet(Coordinates(NAMES.companies, 3, 4), AT, Company("C1", "PT", "15201", "Batam"))
    assert entry_of(append) == expected


def test_a_tombstone_leaves_a_company_without_an_entry() -> None:
    (append,) = step(RawRecord(4, b"C1", None, AT), NAMES.companies)
    assert entry_of(append) == CompanySet(Coordinates(NAMES.companies, 3, 4), AT, Company("C1"))


def test_a_policy_goes_to_every_partition() -> None:
    policy = Policy("P", 2000, 20_000, title="P")
    appends = step(RawRecord(4, b"P", OUTPUTS.encode_policy(policy), AT), NAMES.policies)
    assert [append.partition for append in appends] == list(range(PARTITIONS))
    assert {entry_of(append) for append in appends} == {PolicySet(Coordinates(NAMES.policies, 3, 4), AT, policy)}


def test_a_tombstone_ends_a_policy_everywhere() -> None:
    appends = step(RawRecord(4, b"P", None, AT), NAMES.policies)
    assert [append.partition for append in appends] == list(range(PARTITIONS))
    assert {entry_of(append) for append in appends} == {PolicyEnded(Coordinates(NAMES.policies, 3, 4), AT, "P")}


COMPANY, POLICY = OUTPUTS.encode_company(Company("C1")), OUTPUTS.encode_policy(Policy("P", 2000, 20_000, title="P"))
NO_REFERENCE = [
    pytest.param(NAMES.companies, b"C1", b"\xffgarbage", "bad_magic", id="a company that is garbage"),
    pytest.param(NAMES.policies, b"P", b"\xffgarbage", "bad_magic", id="a policy that is garbage"),
    pytest.param(NAMES.policies, b"P", b"", "bad_magic", id="a policy that is empty"),
    pytest.param(NAMES.companies, b"C1", POLICY, "unknown_schema", id="a policy among the companies"),
    pytest.param(NAMES.policies, b"P", COMPANY, "unknown_schema", id="a company among the policies"),
    pytest.param(NAMES.companies, b"C1", COMPANY[:-1], "decode_error", id="a company cut off"),
    pytest.param(NAMES.policies, b"P", POLICY + b"\x00", "decode_error", id="a policy with a byte more"),
    pytest.param(NAMES.companies, b"\xff", None, "decode_error", id="a company's tombstone with a key that is no text"),
    pytest.param(NAMES.policies, b"\xff", None, "decode_error", id="a policy's tombstone with a key that is no text"),
    pytest.param(NAMES.companies, b"C 1", None, "invalid_field", id="a tombstone of what cannot be a company"),
    pytest.param(NAMES.companies, None, None, "invalid_field", id="a tombstone of no company"),
    pytest.param(NAMES.companies, b"C2", COMPANY, "key_mismatch", id="a company under another key"),
    pytest.param(NAMES.policies, None, POLICY, "key_mismatch", id="a policy without a key"),
    pytest.param(
        NAMES.policies, b"P", OUTPUTS.encode_policy(Policy("P", 10_001, 20_000)), "invalid_field", id="a wrong policy"
    ),
    pytest.param(
        NAMES.companies, b"C1", OUTPUTS.encode_company(Company("C1", name="")), "invalid_field", id="a wrong company"
    ),
    pytest.param(
        NAMES.companies,
        b"C1",
        OUTPUTS.encode_company(Company("C1", contacts=("x" * 1000,) * (REFERENCE_BYTES_MAX // 1000))),
        "oversized",
        id="a company that is too large",
    ),
]


@pytest.mark.parametrize(("topic", "key", "value", "reason"), NO_REFERENCE)
def test_reference_data_that_cannot_be_taken_is_a_dead_letter(
    topic: str, key: bytes | None, value: bytes | None, reason: str
) -> None:
    letter = letter_of(step(RawRecord(4, key, value, AT), topic))
    assert (letter.reason, letter.key, letter.value) == (reason, key, value)
    assert (letter.event_id, letter.source, letter.came_from) == (None, None, Coordinates(topic, 3, 4))


REFERENCE_FIELDS = [
    pytest.param(NAMES.companies, b"C 1", None, "company_id", "must not have white space in it", id="a tombstone"),
    pytest.param(NAMES.companies, b"C2", COMPANY, "company_id", "must be the key of the record", id="a company's key"),
    pytest.param(NAMES.policies, b"P2", POLICY, "policy_id", "must be the key of the record", id="a policy's key"),
    pytest.param(
        NAMES.policies,
        b"P",
        OUTPUTS.encode_policy(Policy("P", 10_001, 20_000)),
        "threshold_bp",
        "must lie in 0 to 10000 for level",
        id="a policy",
    ),
    pytest.param(
        NAMES.companies,
        b"C1",
        OUTPUTS.encode_company(Company("C1", contacts=("x" * 1001,))),
        "contacts",
        "must have 1 to 1000 characters",
        id="a company",
    ),
    pytest.param(NAMES.policies, b"P", b"?", None, None, id="no Avro: about no field"),
]


@pytest.mark.parametrize(("topic", "key", "value", "field", "rule"), REFERENCE_FIELDS)
def test_of_reference_data_the_letter_names_the_field_and_its_rule(
    topic: str, key: bytes, value: bytes | None, field: str | None, rule: str | None
) -> None:
    letter = letter_of(step(RawRecord(4, key, value, AT), topic))
    assert (letter.field, letter.rule) == (field, rule)


@pytest.mark.parametrize(
    ("topic", "key", "value"),
    [(NAMES.companies, b"C1", COMPANY), (NAMES.policies, b"P", POLICY), (NAMES.policies, b"P", None)],
    ids=["company", "policy", "a policy's end"],
)
def test_of_reference_data_without_a_time_that_is_said(topic: str, key: bytes, value: bytes | None) -> None:
    letter = letter_of(step(RawRecord(4, key, value, -1), topic))
    assert (letter.reason, letter.field) == ("invalid_field", "recorded_at")


def test_a_date_begins_once_in_every_partition() -> None:
    on = day("2025-09-02")
    appends = recorder().ticks(on, AT)
    assert [append.partition for append in appends] == list(range(PARTITIONS))
    assert {entry_of(append) for append in appends} == {Tick(Coordinates(TICK_SOURCE, 0, on), AT, on)}


def test_a_step_says_the_same_bytes_again() -> None:
    raws = [record(FACT, 1), record(NATIONAL, 2), record(FACT, 3, value=b"?")]
    assert recorder().step(NAMES.facts, 0, raws) == recorder().step(NAMES.facts, 0, raws)
