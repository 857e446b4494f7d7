"""The hand-written codecs read and write like fastavro, also for corrupted bytes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import fact_bytes, journal, ledger_bytes
from schemas.codec import InboundCodec, JournalCodec, OutputCodec, WireError
from schemas.ledger_lines import change
from schemas.records import Coordinates, Fact, FactEntry
from schemas.registry import REGISTERED, FixedRegistry
from schemas.vocabulary import BOOK_DISPOSITIONS
from schemas.wire import FRAME_BYTES, zigzag
from tests.support import records
from tests.support.journals import deterministic

INBOUND, JOURNAL, OUTPUTS = InboundCodec(), JournalCodec(), OutputCodec()

# The hand-written decoders read only the newest version of a schema. This registry has a newer version of each schema,
# so its codecs read the same values with fastavro.
NEWER: Final = FixedRegistry(
    (*REGISTERED, *(replace(one, schema_id=one.schema_id + 100, version=2) for one in REGISTERED))
)
NEWER_INBOUND, NEWER_JOURNAL, NEWER_OUTPUTS = InboundCodec(NEWER), JournalCodec(NEWER), OutputCodec(NEWER)

# Usual values, which are in plain form, and values beyond the limits of that form.
days: Final = st.one_of(st.integers(8_192, 40_000), st.sampled_from((8_191, 1 << 20, -1)), records.days)
instants: Final = st.one_of(
    st.integers(946_684_800_000, 2_100_000_000_000),
    st.sampled_from((0, (1 << 34) - 1, 1 << 34, (1 << 41) - 1, 1 << 41, -1)),
    records.instants,
)
texts: Final = st.one_of(st.text("abc-0189", max_size=63), st.text(max_size=40), st.sampled_from(("x" * 63, "x" * 64)))
facts: Final = st.builds(
    lambda fact, on, at, event, company, worker, source: fact._replace(
        effective_on=on, occurred_at=at, event_id=event, company_id=company, worker_id=worker, source=source
    ),
    records.facts(), days, instants, texts, texts, texts, texts,
)  # fmt: skip
entries: Final = st.builds(
    FactEntry,
    st.builds(Coordinates, texts, st.integers(-1, 300), st.one_of(st.integers(0, 1 << 40), records.longs)),
    instants,
    facts,
    st.one_of(st.none(), st.none(), st.binary(max_size=80)),
)
lines: Final = st.lists(records.lines, max_size=5)
touches: Final = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3)
cuts: Final = st.one_of(st.none(), st.none(), st.integers(0, 400))


def touched(value: bytes, touches: list[tuple[int, int]], cut: int | None) -> bytes:
    """The value with some bytes changed after its frame, and perhaps truncated or extended."""
    changed = bytearray(value)
    for at, byte in touches:
        changed[FRAME_BYTES + at % (len(value) - FRAME_BYTES)] = byte
    end = len(changed) if cut is None else FRAME_BYTES + cut % (len(value) - FRAME_BYTES + 2)
    return bytes(changed[:end]).ljust(end, b"\x00")


def read(decode: Callable[[bytes], Any], value: bytes) -> Any:
    """The decoded value, or the reason why it cannot be decoded."""
    try:
        return decode(value)
    except WireError as error:
        return error.reason


def decode_entry(value: bytes) -> Any:
    (entry,) = JOURNAL.decode([value])
    return entry


def fact_by_fastavro(value: bytes) -> tuple[Fact, bool]:
    fact, _ = NEWER_INBOUND.decode(value)
    return fact, INBOUND.encode(fact) == value


def entry_by_fastavro(value: bytes) -> Any:
    (entry,) = NEWER_JOURNAL.decode([value])
    return entry


@settings(deterministic, max_examples=150)
@given(facts, touches, cuts)
def test_published_facts_are_read_as_fastavro_reads_them(
    fact: Any, touches: list[tuple[int, int]], cut: int | None
) -> None:
    value = touched(INBOUND.encode(fact), touches, cut)
    assert read(INBOUND.decode, value) == read(fact_by_fastavro, value)


@settings(deterministic, max_examples=150)
@given(entries, touches, cuts)
def test_facts_of_the_journal_are_read_as_fastavro_reads_them(
    entry: FactEntry, touches: list[tuple[int, int]], cut: int | None
) -> None:
    value = touched(JOURNAL.encode(entry), touches, cut)
    assert read(decode_entry, value) == read(entry_by_fastavro, value)


@settings(deterministic, max_examples=150)
@given(
    st.integers(0, 300), st.one_of(st.integers(0, 1 << 40), records.longs), instants, texts, texts,
    st.sampled_from(BOOK_DISPOSITIONS), lines, touches, cuts,
)  # fmt: skip
def test_ledger_records_are_read_as_fastavro_reads_them(
    partition: int, offset: int, at: int, company: str, event: str, disposition: str, lines: list[int],
    touches: list[tuple[int, int]], cut: int | None,
) -> None:  # fmt: skip
    encoded = OUTPUTS.encode_ledger((partition, offset, at), company, event, disposition, lines)
    value = touched(encoded, touches, cut)
    assert read(OUTPUTS.decode_ledger, value) == read(NEWER_OUTPUTS.decode_ledger, value)


def one_byte_changed(value: bytes) -> Iterator[bytes]:
    """The value with one byte after the frame changed, for every byte and several changes, and cut at every place."""
    for at in range(FRAME_BYTES, len(value)):
        for byte in {value[at] ^ 1, value[at] ^ 0x80, value[at] + 2 & 0xFF, 0, 0xFF} - {value[at]}:
            yield value[:at] + bytes([byte]) + value[at + 1 :]
        yield value[:at]


USUAL: Final = records.usual_fact()
USUAL_ENTRY: Final = FactEntry(Coordinates("workforce.facts.v1", 3, 1_234_567), 1_757_000_000_000, USUAL)
USUAL_LEDGER: Final = OUTPUTS.encode_ledger(
    (3, 5, USUAL_ENTRY.recorded_at),
    "C1",
    "e1",
    "applied",
    [change(20_332, 0, 7) << 1 | 1, change(20_400, 7, 9) << 1],
)
BY_HAND: Final = [
    pytest.param(INBOUND.encode(USUAL), INBOUND.decode, fact_by_fastavro, id="a published fact"),
    pytest.param(JOURNAL.encode(USUAL_ENTRY), decode_entry, entry_by_fastavro, id="a fact of the journal"),
    pytest.param(USUAL_LEDGER, OUTPUTS.decode_ledger, NEWER_OUTPUTS.decode_ledger, id="a ledger record"),
]


@pytest.mark.parametrize(("value", "decode", "by_fastavro"), BY_HAND)
def test_a_usual_value_with_a_byte_changed_anywhere_is_read_as_fastavro_reads_it(
    value: bytes, decode: Callable[[bytes], Any], by_fastavro: Callable[[bytes], Any]
) -> None:
    for changed in one_byte_changed(value):
        assert read(decode, changed) == read(by_fastavro, changed)


@settings(deterministic, max_examples=60)
@given(entries)
def test_a_recorded_fact_has_the_bytes_of_the_published_one(entry: FactEntry) -> None:
    common = INBOUND.common_bytes(entry.fact, INBOUND.encode(entry.fact))
    assert JOURNAL.encode_fact(entry, common) == JOURNAL.encode_fact(entry)


@settings(deterministic, max_examples=120)
@given(instants)
def test_an_instant_of_six_bytes_is_read_back(at: int) -> None:
    encoded = zigzag(at)
    if len(encoded) == fact_bytes.INSTANT_BYTES and at >= 0:
        assert fact_bytes.read_instant(encoded) == at
    else:
        with pytest.raises(fact_bytes.NotPlain):
            fact_bytes.read_instant(encoded)


def test_usual_facts_are_in_plain_form() -> None:
    """Otherwise every result would be right but slow, and no other test would show it."""
    details = {INBOUND.encode(USUAL)[-1:]: USUAL.detail}
    assert fact_bytes.read_fact(INBOUND.encode(USUAL), FRAME_BYTES, USUAL.kind, details) == USUAL
    assert journal.plain_fact(JOURNAL.encode(USUAL_ENTRY)) == USUAL_ENTRY
    assert ledger_bytes.plain_ledger(USUAL_LEDGER) == OUTPUTS.decode_ledger(USUAL_LEDGER)
