"""The ids of a schema registry beside ours: what is asked at the start and later, what is refused, what is kept."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import InboundCodec, JournalCodec, OutputCodec
from schemas.records import Company, CompanySet, FactEntry
from schemas.registry import schema_text
from schemas.topics import TopicNames
from schemas.vocabulary import KINDS
from schemas.wire import FRAME_BYTES, frame, wire_form
from streams.lane.stop import Refused
from streams.recorder import Recorder
from streams.schema_registry.access import RegistryAccess
from streams.schema_registry.client import RegistryAway
from streams.schema_registry.ids import FACTS, RegistryIds
from streams.schema_registry.subjects import inbound_subjects, schema_json, written_subjects
from streams.settings import REPLAY, InboundTopic, StreamSettings
from tests.support.facts import hire, noon
from tests.support.journals import deterministic
from tests.support.raw_records import RawRecord
from tests.support.records import facts, texts
from tests.support.schema_registry import RegistryInMemory

NAMES, INBOUND_TOPICS = TopicNames("p."), (InboundTopic(),)
SUBJECTS = inbound_subjects(NAMES, INBOUND_TOPICS)
ENTRIES = [entry for subject in SUBJECTS for entry in subject.versions]
INBOUND, JOURNAL, OUTPUTS = InboundCodec(), JournalCodec(), OutputCodec()
AT = noon("2025-09-02")


def registry(first_id: int = 101, subjects: tuple[int, ...] = (0, 1, 2, 3, 4, 5)) -> RegistryInMemory:
    """A registry that has these of our inbound schemas."""
    made = RegistryInMemory(first_id)
    for place in subjects:
        for entry in SUBJECTS[place].versions:
            made.give(schema_json(entry), SUBJECTS[place].name)
    return made


def ids_of(made: RegistryInMemory) -> RegistryIds:
    return RegistryIds(RegistryAccess("http://registry"), NAMES, INBOUND_TOPICS, lambda _: made)


def recorder(aliases: dict[int, int]) -> Recorder:
    settings = StreamSettings("", Path(), NAMES, 3, INBOUND_TOPICS, REPLAY)
    return Recorder(settings, lambda: AT, registry_ids=aliases)


def record(value: bytes, topic: str = NAMES.facts, key: bytes = b"C1", **other: Any) -> RawRecord:
    return RawRecord(7, key, value, AT, topic, **other)


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.schema_registry.ids.RETRY_S", 0.0)


async def test_each_inbound_schema_is_known_by_its_id_at_the_registry_after_the_start() -> None:
    ids = ids_of(registry())
    await ids.begin()
    assert ids.aliases == {101 + place: entry.schema_id for place, entry in enumerate(ENTRIES)}


async def test_a_registry_that_lacks_a_schema_is_refused_with_the_subject_and_the_remedy() -> None:
    with pytest.raises(Refused, match=r"lacks schemas .* p\.coverage\.policies\.v1-value: run `peserta s"):
        await ids_of(registry(subjects=(0, 1, 2, 3, 4))).begin()


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (0, 2, 1, 3, 4, 5), (4, 5, 0, 1, 2, 3)])
async def test_ids_that_mean_two_types_of_facts_are_refused_at_the_start(order: tuple[int, ...]) -> None:
    made = registry(first_id=1, subjects=order)
    own = [made.versions[SUBJECTS[place].name][0] == SUBJECTS[place].versions[0].schema_id for place in range(4)]
    assert not all(own)
    with pytest.raises(Refused, match=r"the id [1-4] means id\.peserta"):
        await ids_of(made).begin()


async def test_a_registry_with_the_service_s_own_ids_is_accepted() -> None:
    by_id = sorted(range(4), key=lambda place: SUBJECTS[place].versions[0].schema_id)
    ids = ids_of(registry(first_id=1, subjects=(*by_id, 4, 5)))
    await ids.begin()
    assert {number: ours for number, ours in ids.aliases.items() if number in FACTS} == {n: n for n in FACTS}


async def test_another_form_of_a_fact_under_an_id_of_ours_is_refused_at_the_start() -> None:
    made = RegistryInMemory(1)
    hires = schema_text("hire.avsc")
    made.give(json.dumps({**hires, "fields": [*hires["fields"], {"name": "grade", "type": "string"}]}))
    made._next_id = 101
    for subject in SUBJECTS:
        for entry in subject.versions:
            made.give(schema_json(entry), subject.name)
    with pytest.raises(Refused, match="the id 1 means another form of a fact"):
        await ids_of(made).begin()


async def test_schemas_of_others_under_our_ids_do_no_harm() -> None:
    made = RegistryInMemory(1)
    for number in range(10):
        made.give(json.dumps({"type": "record", "name": f"Order{number}", "fields": []}))
    for subject in SUBJECTS:
        for entry in subject.versions:
            made.give(schema_json(entry), subject.name)
    ids = ids_of(made)
    await ids.begin()
    assert set(ids.aliases.values()) == {entry.schema_id for entry in ENTRIES}


async def test_a_start_waits_for_a_registry_that_is_away() -> None:
    made = registry()
    made.absences = 3
    ids = ids_of(made)
    await ids.begin()
    assert len(ids.aliases) == len(ENTRIES)


@pytest.mark.parametrize("limit", ["START_LIMIT_S", "LATER_LIMIT_S"])
async def test_the_wait_for_a_registry_ends(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"streams.schema_registry.ids.{limit}", 0.0)
    made = registry()
    made.absences = 1
    ids = ids_of(made)
    with pytest.raises(RegistryAway):
        await (ids.begin() if limit == "START_LIMIT_S" else ids.before_step([record(frame(900))]))


async def test_an_id_that_comes_up_later_is_asked_for_once_and_kept() -> None:
    made = registry()
    ids = ids_of(made)
    await ids.begin()
    documented = json.dumps({**schema_text("hire.avsc"), "doc": "Generated by HRIS."})
    ours, other = made.give(documented), made.give(json.dumps({"type": "record", "name": "Order", "fields": []}))
    asked = len(made.asked)
    made.absences = 2
    for _ in range(3):
        await ids.before_step([record(frame(ours)), record(frame(other)), record(frame(ours)), record(b"?")])
    assert sorted(made.asked[asked:]) == [f"GET /schemas/ids/{number}" for number in (ours, other)]
    assert ids.aliases[ours] == 1 and other not in ids.aliases


async def test_an_id_that_the_registry_gives_out_after_it_came_up_is_asked_for_again() -> None:
    made = registry()
    ids = ids_of(made)
    await ids.begin()
    unseen = 101 + len(ENTRIES)
    await ids.before_step([record(frame(unseen))])
    assert unseen not in ids.aliases
    assert made.give(json.dumps({**schema_text("correction.avsc"), "doc": "?"})) == unseen
    await ids.before_step([record(frame(unseen))])
    assert ids.aliases[unseen] == 4


async def test_known_ids_need_no_registry() -> None:
    made = registry()
    ids = ids_of(made)
    await ids.begin()
    made.absences = 1
    known = [record(frame(number)) for number in (1, 2, 3, 4, 101, 104)]
    await ids.before_step([*known, record(frame(10), NAMES.companies), record(frame(11), NAMES.policies)])
    assert made.absences == 1


@deterministic
@given(facts(), st.integers(5, 2**32 - 1))
def test_a_fact_under_an_id_of_the_registry_is_the_same_fact_and_keeps_its_bytes(fact: Any, number: int) -> None:
    ours = INBOUND.encode(fact)
    value = frame(number) + ours[FRAME_BYTES:]
    codec = InboundCodec(aliases={number: int.from_bytes(ours[1:FRAME_BYTES], "big")})
    assert codec.decode(value) == (INBOUND.decode(ours)[0], False)
    assert codec.encode(fact) == ours and codec.decode(ours) == INBOUND.decode(ours)


@deterministic
@given(facts(), st.dictionaries(st.sampled_from(sorted(FACTS)), st.sampled_from(sorted(FACTS))))
def test_our_ids_win_over_aliases(fact: Any, aliases: dict[int, int]) -> None:
    value = INBOUND.encode(fact)
    assert InboundCodec(aliases=aliases).decode(value) == INBOUND.decode(value)


FACT = hire("e1", "2025-09-01")
VALUE, COMPANY = INBOUND.encode(FACT), OUTPUTS.encode_company(Company("C1"))


def test_the_journal_has_the_fact_and_the_bytes_that_the_publisher_sent() -> None:
    value = frame(300) + VALUE[FRAME_BYTES:]
    (append,) = recorder({300: 1}).step(NAMES.facts, 0, [record(value)])
    assert append.value is not None
    (entry,) = JOURNAL.decode([append.value])
    assert isinstance(entry, FactEntry) and (entry.fact, entry.original) == (FACT, value)


def test_a_company_under_an_id_of_the_registry_is_recorded() -> None:
    value = frame(305) + COMPANY[FRAME_BYTES:]
    (append,) = recorder({305: 10}).step(NAMES.companies, 0, [record(value, NAMES.companies)])
    assert append.value is not None
    (entry,) = JOURNAL.decode([append.value])
    assert isinstance(entry, CompanySet) and entry.company == Company("C1")


@pytest.mark.parametrize(
    "aliases",
    [
        pytest.param({}, id="an id that nobody knows"),
        pytest.param({300: 10}, id="a company among the facts"),
        pytest.param({300: 20}, id="an entry of the journal among the facts"),
    ],
)
def test_other_ids_are_dead_letters_with_the_bytes_that_were_sent(aliases: dict[int, int]) -> None:
    value = frame(300) + VALUE[FRAME_BYTES:]
    (append,) = recorder(aliases).step(NAMES.facts, 0, [record(value)])
    assert append.topic == NAMES.dead_letters and append.value is not None
    letter = OUTPUTS.decode_dead_letter(append.value)
    assert (letter.reason, letter.value) == ("unknown_schema", value)


CLOUD_EVENT = ("ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time", "content-type", "__value_schema_id")
headers = st.lists(st.tuples(st.sampled_from(CLOUD_EVENT) | texts, st.none() | st.binary(max_size=40)), max_size=8).map(
    tuple
)
VALUES = [VALUE, frame(300) + VALUE[FRAME_BYTES:], frame(301) + VALUE[FRAME_BYTES:], b"{}", b"", COMPANY]


@deterministic
@given(st.lists(st.tuples(st.sampled_from(VALUES), headers), min_size=1, max_size=6))
def test_headers_of_whatever_kind_change_nothing_that_the_recorder_writes(raws: list[tuple[bytes, Any]]) -> None:
    for topic in (NAMES.facts, NAMES.companies):
        plain = [record(value, topic) for value, _ in raws]
        with_headers = [record(value, topic, headers=each) for value, each in raws]
        assert recorder({300: 1}).step(topic, 0, with_headers) == recorder({300: 1}).step(topic, 0, plain)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param(lambda schema: {**schema, "doc": "other"}, True, id="documentation"),
        pytest.param(lambda schema: dict(reversed(schema.items())), True, id="the order of attributes"),
        pytest.param(lambda schema: {**schema, "aliases": ["X"], "x.generator": "1"}, True, id="attributes of a tool"),
        pytest.param(lambda schema: {**schema, "fields": schema["fields"][:-1]}, False, id="a field less"),
        pytest.param(lambda schema: {**schema, "name": "Hired"}, False, id="another name"),
        pytest.param(lambda schema: {**schema, "fields": schema["fields"][::-1]}, False, id="the order of fields"),
    ],
)
def test_schemas_are_the_same_when_they_give_the_same_bytes(change: Callable[[Any], Any], same: bool) -> None:
    schema = schema_text("hire.avsc")
    assert (wire_form(json.dumps(change(schema))) == wire_form(json.dumps(schema))) is same


@pytest.mark.parametrize("text", ["", "1", "null", '"x"', '{"type":"nonsense"}', "{", "[" * 100_000])
def test_what_is_no_schema_has_no_form(text: str) -> None:
    assert wire_form(text) is None


def test_every_schema_has_a_subject_of_a_topic_and_facts_have_one_for_each_type() -> None:
    subjects = [*SUBJECTS, *written_subjects(NAMES)]
    names = [subject.name for subject in subjects]
    assert len(set(names)) == len(names)
    assert all(name.startswith("p.") for name in names)
    assert {name for name in names if name.startswith(NAMES.facts)} == {
        f"{NAMES.facts}-id.peserta.{kind.capitalize()}" for kind in KINDS
    }
    assert [(s.name, [v.schema_id for v in s.versions]) for s in subjects if len(s.versions) > 1] == [
        ("p.coverage.companies.v1-value", [10, 12]),
        ("p.coverage.snapshots.v1-value", [40, 41]),
        ("p.workforce.dead-letters.v1-value", [60, 61]),
    ]
