"""Published schemas do not change, versions of a subject can read each other, and the check finds breaking changes."""

import copy
import io
import json
from importlib import resources
from itertools import combinations
from typing import Any

import fastavro
import pytest

from schemas.registry import REGISTERED, Registered, schema_text
from tests.support.schema_compatibility import fingerprint, problems

PUBLISHED: dict[str, str] = json.loads(resources.files("schemas").joinpath("avro", "published.json").read_text())


@pytest.mark.parametrize("registered", REGISTERED, ids=lambda r: f"{r.schema_id} {r.subject}")
def test_a_published_schema_does_not_change(registered: Registered) -> None:
    assert fingerprint(schema_text(registered.file)) == PUBLISHED[str(registered.schema_id)]


def test_what_was_published_stays_registered_and_every_file_is_registered_once() -> None:
    assert {str(r.schema_id) for r in REGISTERED} == PUBLISHED.keys()
    files = [f.name for f in resources.files("schemas").joinpath("avro").iterdir() if f.name.endswith(".avsc")]
    assert sorted(r.file for r in REGISTERED) == sorted(files)
    assert len({(r.subject, r.version) for r in REGISTERED}) == len(REGISTERED)


@pytest.mark.parametrize("subject", sorted({r.subject for r in REGISTERED}))
def test_every_version_of_a_subject_reads_every_other(subject: str) -> None:
    versions = [schema_text(r.file) for r in REGISTERED if r.subject == subject]
    assert [problems(one, other) for one, other in combinations(versions, 2) if problems(one, other)] == []
    assert problems(versions[0], versions[0]) == []


@pytest.mark.parametrize("registered", REGISTERED, ids=lambda r: r.subject)
def test_a_schema_is_avro(registered: Registered) -> None:
    schema = dict(schema_text(registered.file))
    fastavro.parse_schema(copy.deepcopy(schema), named_schemas={})
    assert schema["namespace"] == "id.peserta"


OLD: dict[str, Any] = {
    "type": "record",
    "name": "R",
    "namespace": "n",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "on", "type": {"type": "int", "logicalType": "date"}},
        {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["a", "b"]}},
        {
            "name": "part",
            "type": ["null", {"type": "record", "name": "Part", "fields": [{"name": "n", "type": "int"}]}],
        },
        {"name": "parts", "type": {"type": "array", "items": "Part"}},
        {"name": "size", "type": "long"},
    ],
}
ADDED = {"name": "more", "type": ["null", "string"]}


def changed(at: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """OLD with another value at this place."""
    new: Any = copy.deepcopy(OLD)
    inner = new
    for step in at[:-1]:
        inner = inner[step]
    inner[at[-1]] = value
    assert isinstance(new, dict)
    return new


def fields(*more: dict[str, Any], without: str = "") -> dict[str, Any]:
    return changed(("fields",), [f for f in copy.deepcopy(OLD["fields"]) if f["name"] != without] + list(more))


BREAKS = [
    pytest.param(fields(ADDED), "record.more: was not written", id="a field added without a default"),
    pytest.param(fields(without="size"), "record.size: was not written", id="a field removed that had no default"),
    pytest.param(changed(("fields", 0, "name"), "key"), "record.key", id="a field renamed"),
    pytest.param(changed(("fields", 0, "type"), "int"), "string is no int", id="another type"),
    pytest.param(changed(("fields", 5, "type"), "int"), "long is no int", id="narrower"),
    pytest.param(changed(("fields", 5, "type"), "double"), "double is no long", id="wider: old readers cannot"),
    pytest.param(changed(("fields", 1, "type"), "int"), "logical type", id="a date becomes any number"),
    pytest.param(changed(("fields", 2, "type", "symbols"), ["a", "b", "c"]), "symbols c", id="a symbol added"),
    pytest.param(changed(("fields", 2, "type", "symbols"), ["a"]), "symbols b", id="a symbol removed"),
    pytest.param(changed(("fields", 2, "type", "name"), "Kind"), "enum K is not Kind", id="an enum renamed"),
    pytest.param(changed(("name",), "S"), "record n.R is not n.S", id="a record renamed"),
    pytest.param(changed(("namespace",), "m"), "record n.R is not m.R", id="another name space"),
    pytest.param(
        changed(("fields", 3, "type"), OLD["fields"][3]["type"][1]), "null is no record", id="no null any more"
    ),
    pytest.param(changed(("fields", 0, "type"), ["null", "string"]), "null is no string", id="null from now on"),
    pytest.param(
        changed(("fields", 3, "type", 1, "fields", 0, "type"), "string"), "record.part", id="a type further in"
    ),
    pytest.param(
        changed(("fields", 3, "type", 1, "fields", 0, "type"), "string"),
        "record.parts[].n",
        id="... and where it is used by name",
    ),
    pytest.param(
        changed(("fields", 4, "type"), {"type": "map", "values": "Part"}), "array is no map", id="a map for a list"
    ),
    pytest.param(
        changed(("fields", 4, "type", "items"), "string"), "record is no string", id="a list of something else"
    ),
]
KEEPS = [
    pytest.param(copy.deepcopy(OLD), id="the same"),
    pytest.param(fields(ADDED | {"default": None}), id="a field with a default added"),
    pytest.param(changed(("fields", 0, "type"), "bytes"), id="text as bytes: the promotion that goes both ways"),
    pytest.param(changed(("doc",), "what it is"), id="documentation"),
    pytest.param(changed(("fields",), [*OLD["fields"][1:], OLD["fields"][0]]), id="another order of fields"),
]


@pytest.mark.parametrize(("new", "said"), BREAKS)
def test_what_breaks_readers_is_found_and_said(new: dict[str, Any], said: str) -> None:
    assert any(said in problem for problem in problems(OLD, new))
    assert any(said in problem for problem in problems(new, OLD))


@pytest.mark.parametrize("new", KEEPS)
def test_what_breaks_nobody_is_let_through(new: dict[str, Any]) -> None:
    assert problems(OLD, new) == problems(new, OLD) == []


def test_enums_may_differ_where_both_have_a_default() -> None:
    one = changed(("fields", 2, "type"), {"type": "enum", "name": "K", "symbols": ["a", "b"], "default": "a"})
    two = changed(("fields", 2, "type"), {"type": "enum", "name": "K", "symbols": ["a", "c"], "default": "a"})
    assert problems(one, two) == []


def test_a_record_that_contains_itself_has_an_end() -> None:
    tree = {"type": "record", "name": "T", "fields": [{"name": "kids", "type": {"type": "array", "items": "T"}}]}
    assert problems(tree, tree) == []


def test_what_is_let_through_fastavro_can_read() -> None:
    new = fields(ADDED | {"default": None})
    record = {"id": "x", "on": 1, "kind": "b", "part": None, "parts": [{"n": 1}], "size": 2}
    for writer, reader in ((OLD, new), (new, OLD)):
        parsed = [fastavro.parse_schema(copy.deepcopy(s), named_schemas={}) for s in (writer, reader)]
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed[0], record)
        out.seek(0)
        read: Any = fastavro.schemaless_reader(out, parsed[0], parsed[1])
        assert read["id"] == "x" and read.get("more") is None


def test_the_fingerprint_sees_all_but_documentation() -> None:
    assert fingerprint(changed(("doc",), "what it is")) == fingerprint(OLD)
    for other in (changed(("fields", 1, "type"), "int"), fields(ADDED), fields(ADDED | {"default": None})):
        assert fingerprint(other) != fingerprint(OLD)
