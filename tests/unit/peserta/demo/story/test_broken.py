"""Each broken record breaks the rule that its reason names, and no rule that is checked earlier."""

from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest

from peserta.demo.story import BrokenRecord, KafkaRecord, Planted, Story, kafka_record
from peserta.demo.story.broken import broken_records
from peserta.demo.story.reporting import moment
from schemas.inbound import InboundCodec
from schemas.records import Fact
from schemas.wire import BadMagic, NotAvro, UnknownSchema, WireError

ENCODE = InboundCodec().encode
RECORD_BYTES_MAX = 16_384
EPOCH = date(1970, 1, 1).toordinal()
UNREADABLE: dict[str, type[WireError]] = {
    "bad_magic": BadMagic,
    "unknown_schema": UnknownSchema,
    "decode_error": NotAvro,
}


def out_of_range(broken: BrokenRecord) -> bool:
    years = (broken.fact.effective_on + EPOCH - moment(broken.recorded_at).toordinal()) / 365.25
    return not -9.9 < years < 0.9


BREACHES: dict[str, Callable[[BrokenRecord], bool]] = {
    "national_id": lambda b: b.fact.worker_id.isdigit() and len(b.fact.worker_id) in (11, 16),
    "invalid_field": lambda b: not b.fact.source or " " in b.fact.worker_id,
    "key_mismatch": lambda b: b.key != b.fact.company_id,
    "effective_on_out_of_range": out_of_range,
}
"""Rules that a readable record can break, in order of precedence."""


def raw(broken: BrokenRecord) -> KafkaRecord:
    return kafka_record(broken, ENCODE)


def size(record: KafkaRecord) -> int:
    return len(record.key) + len(record.value)


def of(*reasons: str) -> list[BrokenRecord]:
    return [broken for broken in broken_records() if broken.reason in reasons]


def sentence(broken: BrokenRecord) -> str:
    return f"{broken.reason}: {broken.explanation}"


def test_every_reason_of_the_recorder_is_there_once_or_twice(told: Story) -> None:
    reasons = Counter(broken.reason for broken in told.broken)
    assert reasons.keys() == {"oversized", *UNREADABLE, *BREACHES}
    assert max(reasons.values()) <= 2


@pytest.mark.parametrize("broken", of("oversized"), ids=sentence)
def test_an_oversized_record_is_too_long(broken: BrokenRecord) -> None:
    assert size(raw(broken)) > RECORD_BYTES_MAX


@pytest.mark.parametrize("broken", of(*UNREADABLE), ids=sentence)
def test_an_unreadable_record_is_refused_by_the_codec(broken: BrokenRecord) -> None:
    assert size(raw(broken)) <= RECORD_BYTES_MAX
    with pytest.raises(UNREADABLE[broken.reason]):
        InboundCodec().decode(raw(broken).value)


@pytest.mark.parametrize("broken", of(*BREACHES), ids=sentence)
def test_a_readable_record_breaks_its_rule_and_no_other(broken: BrokenRecord) -> None:
    record = raw(broken)
    fact, _ = InboundCodec().decode(record.value)
    assert fact == broken.fact
    assert record.key == broken.key.encode()
    assert size(record) <= RECORD_BYTES_MAX
    assert [reason for reason, breaks in BREACHES.items() if breaks(broken)] == [broken.reason]


def test_broken_records_are_in_order_within_the_story_and_noted(told: Story) -> None:
    recorded_on = [moment(broken.recorded_at).date() for broken in told.broken]
    assert recorded_on == sorted(recorded_on)
    assert date(2024, 10, 1) <= recorded_on[0] <= recorded_on[-1] <= date(2025, 12, 31)
    noted = [note.on for note in told.notes if note.kind is Planted.BROKEN_RECORD]
    assert noted == recorded_on


def test_the_impossible_numbers_are_nobodys(told: Story) -> None:
    numbers = {broken.fact.worker_id for broken in told.broken if broken.reason == "national_id"}
    assert {frozenset(number) for number in numbers} == {frozenset("9")}
    assert {len(number) for number in numbers} == {11, 16}


def test_the_record_carries_the_time_of_recording() -> None:
    some = broken_records()[0]
    assert kafka_record(some, lambda fact: b"\x00").timestamp_ms == some.recorded_at


def test_the_encoder_is_given_the_fact() -> None:
    given: list[Fact] = []

    def encode(fact: Fact) -> bytes:
        given.append(fact)
        return b"\x00" * 9

    for broken in broken_records():
        kafka_record(broken, encode)
    assert given == [broken.fact for broken in broken_records()]
