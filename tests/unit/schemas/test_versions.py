"""A second version of a schema can still read what publishers and journals wrote with the first."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from schemas.codec import InboundCodec, JournalCodec, OutputCodec, UnknownSchema
from schemas.records import Coordinates, DeadLetter, Entry, Fact, FactEntry, Tick
from schemas.registry import AvroSchema, FixedRegistry
from schemas.vocabulary import ENROLLMENT, HIRE
from tests.support.schema_compatibility import problems

SECOND = {1: 101, 3: 103, 20: 120, 24: 124}  # id of the first version -> id of the second
HIRED = Fact(HIRE, 2, "e1", "C1", "w1", 20_000, 1_735_000_000_000, "hris", "")
ENROLLED = Fact(ENROLLMENT, 6, "e2", "C1", "w1", 20_001, 1_735_000_000_001, "hris", "")
SHIFT = {"type": "enum", "name": "Shift", "symbols": ["day", "night"]}
NEW_FIELDS: list[dict[str, Any]] = [
    {"name": "shift", "type": SHIFT, "default": "night"},
    {"name": "note", "type": ["null", "string"], "default": None},
]


class Evolved(FixedRegistry):
    """A later registry, in which some records have a second version with more fields."""

    def latest_id(self, subject: str) -> int:
        return self.ids(subject)[-1]

    def ids(self, subject: str) -> tuple[int, ...]:
        (first,) = super().ids(subject)
        return (first, SECOND[first]) if first in SECOND else (first,)

    def schema(self, schema_id: int) -> AvroSchema:
        first = next((old for old, new in SECOND.items() if new == schema_id), schema_id)
        schema = dict(copy.deepcopy(super().schema(first)))
        if first != schema_id:
            schema["fields"] = [*schema["fields"], *NEW_FIELDS]
        return schema


@pytest.mark.parametrize("first", SECOND)
def test_the_second_versions_are_such_as_may_be_published(first: int) -> None:
    assert problems(Evolved().schema(first), Evolved().schema(SECOND[first])) == []


@pytest.mark.parametrize("fact", [HIRED, ENROLLED], ids=["hire", "enrollment"])
def test_a_fact_of_an_older_publisher_is_read_and_its_bytes_are_kept(fact: Fact) -> None:
    value = InboundCodec().encode(fact)
    assert InboundCodec(Evolved()).decode(value) == (fact, False)


def test_a_version_that_nobody_registered_is_unknown() -> None:
    value = InboundCodec().encode(HIRED)
    with pytest.raises(UnknownSchema):
        InboundCodec().decode(value[:4] + bytes([SECOND[1]]) + value[5:])


def test_a_journal_of_older_entries_is_read() -> None:
    entries: list[Entry] = [
        FactEntry(Coordinates("facts", 0, 1), 1_735_000_000_000, HIRED, b"as published"),
        Tick(Coordinates("clock", 0, 20_000), 1_735_000_000_000, 20_000),
        FactEntry(Coordinates("facts", 0, 2), 1_735_000_000_001, ENROLLED),
    ]
    values = [JournalCodec().encode(entry) for entry in entries]
    assert JournalCodec(Evolved()).decode(values) == entries


LETTER = DeadLetter(Coordinates("facts", 0, 1), 1_735_000_000_000, "id_conflict", "e1", "hris", b"C1", b"v", 2, 1)
OLD_LETTER = (
    b"\x00\x00\x00\x00<\nfacts\x00\x02\x80\x98\xf8\xe0\xfed\x16id_conflict"
    b"\x02\x04e1\x02\x08hris\x02\x04C1\x02\x02v\x04\x02"
)


def test_a_dead_letter_of_the_first_version_is_read() -> None:
    assert OutputCodec().decode_dead_letter(OLD_LETTER) == LETTER


def test_a_dead_letter_without_a_field_has_the_bytes_of_the_first_version() -> None:
    """So a rebuild writes the same dead letters as an earlier release."""
    assert OutputCodec().encode_dead_letter(LETTER) == OLD_LETTER


@pytest.mark.parametrize(("field", "rule"), [("event_id", "must be"), ("event_id", None), (None, "must be"), ("", "")])
def test_a_dead_letter_with_a_field_is_of_the_second_version(field: str | None, rule: str | None) -> None:
    letter = replace(LETTER, field=field, rule=rule)
    value = OutputCodec().encode_dead_letter(letter)
    assert value[:5] == b"\x00\x00\x00\x00\x3d"
    assert OutputCodec().decode_dead_letter(value) == letter
