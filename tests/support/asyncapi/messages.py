"""The records of the public topics: the schema of each, and an example as fields and as bytes."""

import json
from functools import cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

from schemas.generation import CURRENT_KEY, Generation
from schemas.registry import REGISTERED, Registered, schema_text
from schemas.topics import GENERATIONS
from tests.support.asyncapi.channels import Channel
from tests.support.asyncapi.examples import examples
from tests.support.facts import noon

AVRO: Final = "application/avro"
JSON: Final = "application/json"
AVRO_SCHEMA: Final = "application/vnd.apache.avro+json;version=1.9.0"

GENERATION: Final = Generation(2, noon("2025-10-01"), sha256(b"the code that folds").hexdigest(), 30)
GENERATION_SCHEMA: Final = {
    "type": "object",
    "description": "Which generation of the book is current (key `standing`), and which was begun last (key `begun`).",
    "properties": {
        "number": {"type": "integer", "minimum": 1, "description": "The topics of the second end in .g2."},
        "since": {"type": "integer", "description": "When it became current or was begun, in milliseconds since 1970."},
        "code": {"type": "string", "description": "Digest of the code that folds the journal."},
        "grace_days": {"type": ["integer", "null"], "minimum": 0, "description": "The days of grace of the book."},
    },
    "required": ["number"],
    "additionalProperties": False,
}


class Message(NamedTuple):
    """A kind of record with an example of it. `payload` is a schema of AsyncAPI; `schema_id` is None for JSON."""

    name: str
    title: str
    text: str
    content: str
    payload: dict[str, Any]
    file: str
    schema_id: int | None
    key: str
    fields: dict[str, Any]
    value: bytes


@cache
def messages(channel: Channel) -> tuple[Message, ...]:
    """The records of a channel; the versions of a schema one after another."""
    if channel.topic == GENERATIONS:
        return (_generation(),)
    return tuple(_avro(one) for subject in channel.subjects for one in REGISTERED if one.subject == subject)


def message_name(one: Registered) -> str:
    """`journal-fact` -> `JournalFact`; with the version where there are several."""
    several = sum(other.subject == one.subject for other in REGISTERED) > 1
    return one.subject.title().replace("-", "") + (f"V{one.version}" if several else "")


def _avro(one: Registered) -> Message:
    schema, example = schema_text(one.file), examples()[one.schema_id]
    return Message(
        message_name(one),
        schema["name"],
        schema["doc"],
        AVRO,
        {"schemaFormat": AVRO_SCHEMA, "schema": schema},
        f"schemas/avro/{one.file}",
        one.schema_id,
        example.key,
        example.fields,
        example.value,
    )


def _generation() -> Message:
    value = GENERATION.encode()
    return Message(
        "Generation",
        "Generation",
        str(GENERATION_SCHEMA["description"]),
        JSON,
        GENERATION_SCHEMA,
        "schemas/generation.py",
        None,
        CURRENT_KEY.decode(),
        json.loads(value),
        value,
    )
