"""The AsyncAPI 3.1 document: the public topics, their records and examples, from the point of view of the service."""

from typing import Any, Final

from peserta.operations.topic_table import Topic, topic_table
from peserta.operations.topics import PARTITIONS
from schemas.topics import FACTS
from tests.support.asyncapi.channels import CHANNELS, RECEIVE, SEND, Channel
from tests.support.asyncapi.messages import AVRO, Message, messages

JsonObject = dict[str, Any]

ASYNCAPI: Final = "3.1.0"
VERSION: Final = "1.0.0"  # of the interface: the names of its topics end in .v1
BINDING: Final = {"bindingVersion": "0.5.0"}
SCHEMA_ID: Final = "x-schema-id"
EXAMPLE_HEX: Final = "x-example-hex"

DESCRIPTION: Final = """\
The book of who is covered by social security. Payroll systems publish facts; the service records them in a journal,
keeps a ledger and figures of each company, and raises alerts.

- A value is Avro in the Confluent wire format: a zero byte, the id of the schema in four bytes (big-endian), the Avro
  body. `x-schema-id` is the id, and `x-example-hex` is the example as it is in Kafka. Generations are JSON.
- In examples, dates are days and instants are milliseconds since 1970-01-01, as Avro carries them. Bytes are text of
  the same code points.
- Read what the service writes with `isolation.level=read_committed`.
- An installation may put a prefix before every name. After a rebuild the topics that the book-keeper writes end in
  `.g2`, `.g3` and so on. `peserta topics list` prints the names.
- Partitions and retention are those of a new installation. A book with `clock: replay` keeps everything for ever.
"""

SCHEMES: Final = {
    "scramSha512": {"type": "scramSha512", "description": "SASL_SSL with SCRAM-SHA-512."},
    "scramSha256": {"type": "scramSha256", "description": "SASL_SSL with SCRAM-SHA-256."},
    "plain": {"type": "plain", "description": "SASL_SSL with PLAIN."},
    "certificate": {"type": "X509", "description": "SSL with a certificate of the client."},
}
CLOUD_EVENTS: Final = {
    "ce_specversion": "Always 1.0.",
    "ce_id": "The `event_id` of the fact.",
    "ce_type": "Such as id.peserta.fact.v1.",
    "ce_source": "The publishing system.",
    "ce_time": "When the source system recorded the fact.",
    "content-type": f"{AVRO}.",
}


def document() -> JsonObject:
    """The whole document."""
    rows = {row.name: row for row in topic_table()}
    carried = [(channel, one) for channel in CHANNELS for one in messages(channel)]
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Peserta",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [
                {"name": RECEIVE, "description": "Topics that others write."},
                {"name": SEND, "description": "Topics that others read."},
            ],
        },
        "defaultContentType": AVRO,
        "servers": _servers(),
        "channels": {channel.name: _channel(channel, rows[channel.topic]) for channel in CHANNELS},
        "operations": {_operation_name(channel): _operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {one.name: _message(one, channel) for channel, one in carried},
            "schemas": {one.name: one.payload for _, one in carried},
            "securitySchemes": SCHEMES,
            "messageTraits": {"cloudEvent": _cloud_event()},
        },
    }


def _servers() -> JsonObject:
    return {
        "local": {
            "host": "127.0.0.1:9092",
            "protocol": "kafka",
            "description": "What `peserta up` starts on your machine. It prints its address.",
            "bindings": {"kafka": BINDING},
        },
        "locked": {
            "host": "localhost:9093",
            "protocol": "kafka-secure",
            "description": "An example of brokers with locks. The operator names the address and one of the schemes.",
            "security": [_ref("securitySchemes", name) for name in SCHEMES],
            "bindings": {"kafka": BINDING},
        },
    }


def _channel(channel: Channel, row: Topic) -> JsonObject:
    configuration = {
        "cleanup.policy": [row.cleanup],
        "retention.ms": row.retention_ms,
        "max.message.bytes": row.batch_bytes,
    }
    return {
        "address": row.name,
        "title": channel.title,
        "description": channel.text,
        "messages": {one.name: _ref("messages", one.name) for one in messages(channel)},
        "bindings": {
            "kafka": {
                "topic": row.name,
                "partitions": row.partitions or PARTITIONS,
                "topicConfiguration": configuration,
                **BINDING,
            }
        },
    }


def _operation_name(channel: Channel) -> str:
    return channel.action + channel.name[0].upper() + channel.name[1:]


def _operation(channel: Channel) -> JsonObject:
    here = f"#/channels/{channel.name}"
    return {
        "action": channel.action,
        "channel": {"$ref": here},
        "title": channel.title,
        "summary": channel.sentence,
        "tags": [{"name": channel.action}],
        "messages": [{"$ref": f"{here}/messages/{one.name}"} for one in messages(channel)],
    }


def _message(message: Message, channel: Channel) -> JsonObject:
    binding: JsonObject = {"key": {"type": "string", "description": channel.key, "examples": [message.key]}}
    own: JsonObject = {EXAMPLE_HEX: message.value.hex()}
    if message.schema_id is not None:
        binding |= {"schemaIdLocation": "payload", "schemaIdPayloadEncoding": "confluent"}
        own |= {SCHEMA_ID: message.schema_id}
    if channel.topic == FACTS:
        own |= {"traits": [_ref("messageTraits", "cloudEvent")]}
    return {
        "name": message.name,
        "title": message.title,
        "summary": message.text,
        "contentType": message.content,
        "payload": _ref("schemas", message.name),
        "bindings": {"kafka": binding | BINDING},
        "examples": [{"name": message.name, "payload": message.fields}],
        **own,
    }


def _cloud_event() -> JsonObject:
    properties = {name: {"type": "string", "description": text} for name, text in CLOUD_EVENTS.items()}
    return {
        "headers": {
            "type": "object",
            "description": "A publisher may set the headers of a CloudEvent in binary mode. The service looks at none.",
            "properties": properties,
        }
    }


def _ref(kind: str, name: str) -> JsonObject:
    return {"$ref": f"#/components/{kind}/{name}"}
