"""The AsyncAPI document and the page of topics: they are up to date, valid and complete, and their examples decode."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from peserta.operations.topic_table import topic_table
from schemas.admission import field_reason
from schemas.codec import InboundCodec, JournalCodec, OutputCodec
from schemas.generation import Generation
from schemas.registry import REGISTERED, Registered
from schemas.vocabulary import KINDS
from streams.settings import BOOKKEEPER_APP
from tests.support.asyncapi.channels import CHANNELS, INTERNAL
from tests.support.asyncapi.document import EXAMPLE_HEX, SCHEMA_ID, document
from tests.support.asyncapi.examples import value_of
from tests.support.asyncapi.files import COMMAND, DOCUMENT, FILES
from tests.support.asyncapi.messages import message_name

JOURNAL, OUTPUTS = JournalCodec(), OutputCodec()
DECODERS: Final[dict[str, Any]] = {
    **dict.fromkeys(KINDS, InboundCodec().decode),
    **{one.subject: JOURNAL.decode for one in REGISTERED if one.subject.startswith("journal-")},
    "company": OUTPUTS.decode_company,
    "policy": OUTPUTS.decode_policy,
    "ledger": OUTPUTS.decode_ledger,
    "snapshot": OUTPUTS.decode_snapshot,
    "alert": OUTPUTS.decode_alert,
    "dead-letter": OUTPUTS.decode_dead_letter,
}


def written() -> Any:
    """The document as it is in the file."""
    return yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))


def references(part: Any) -> Iterator[str]:
    """Every `$ref` in a part of the document."""
    if isinstance(part, dict):
        yield from ([part["$ref"]] if "$ref" in part else [])
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from references(inner)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_file_is_what_the_generator_writes(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path](), f"run {COMMAND}"


def test_any_reader_of_yaml_reads_the_same_document() -> None:
    assert written() == json.loads(json.dumps(document()))


@pytest.mark.filterwarnings("ignore:Field name:UserWarning")  # about a name in the library's own models
def test_the_document_is_asyncapi_3() -> None:
    from asyncapi3.models.asyncapi import AsyncAPI3  # type: ignore[import-untyped]

    AsyncAPI3.model_validate(written())


def test_every_reference_of_the_document_leads_somewhere() -> None:
    for reference in set(references(document())):
        part = document()
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
        assert part


def test_nothing_in_the_document_is_unused() -> None:
    said = document()
    used = set(references(said)) | {f"#/channels/{channel}" for channel in said["channels"]}
    kept = {f"#/components/{kind}/{name}" for kind, parts in said["components"].items() for name in parts}
    kept |= {f"#/channels/{name}" for name in said["channels"]}
    assert kept - used == set()
    assert [one["channel"]["$ref"] for one in said["operations"].values()] == [
        f"#/channels/{n}" for n in said["channels"]
    ]


def test_every_topic_is_public_or_internal() -> None:
    names = {row.name for row in topic_table() if not row.name.startswith(BOOKKEEPER_APP)}
    assert names == {channel.topic for channel in CHANNELS} | set(INTERNAL)


@pytest.mark.parametrize("registered", REGISTERED, ids=message_name)
def test_the_example_of_a_record_encodes_and_decodes(registered: Registered) -> None:
    message = written()["components"]["messages"][message_name(registered)]
    (example,) = message["examples"]
    value = bytes.fromhex(message[EXAMPLE_HEX])

    assert message[SCHEMA_ID] == registered.schema_id
    assert value_of(registered.schema_id, example["payload"]) == value
    argument = [value] if registered.subject.startswith("journal-") else value
    assert DECODERS[registered.subject](argument)


def test_the_example_of_a_generation_decodes() -> None:
    message = written()["components"]["messages"]["Generation"]
    generation = Generation.decode(bytes.fromhex(message[EXAMPLE_HEX]))
    assert asdict(generation) == message["examples"][0]["payload"]
    assert asdict(generation).keys() == written()["components"]["schemas"]["Generation"]["properties"].keys()


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_fact_keeps_the_rules_of_facts(kind: str) -> None:
    message = written()["components"]["messages"][kind.capitalize()]
    fact, _ = InboundCodec().decode(bytes.fromhex(message[EXAMPLE_HEX]))
    assert field_reason(fact) is None
    assert message["bindings"]["kafka"]["key"]["examples"] == [fact.company_id]
