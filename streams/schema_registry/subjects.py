"""The names under which a registry has the schemas of a topic's values.

A topic with one type of record has one subject, `<topic>-value` (Confluent's TopicNameStrategy). A topic with several
has a subject for each, `<topic>-<full name of the record>` (TopicRecordNameStrategy): each type then evolves by itself,
and no union of all types, with references to each, has to be registered anew when one of them changes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from schemas.registry import REGISTERED, Registered, schema_text
from schemas.topics import TopicNames
from streams.settings import InboundTopic

JOURNAL_RECORDS: Final = (
    "journal-fact",
    "journal-company-set",
    "journal-policy-set",
    "journal-policy-ended",
    "journal-tick",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject and the versions of its schema, the oldest first."""

    name: str
    versions: tuple[Registered, ...]


def inbound_subjects(topics: TopicNames, inbound: tuple[InboundTopic, ...]) -> tuple[Subject, ...]:
    """The subjects of the topics that publishers write to: facts by topic and type, companies, policies."""
    facts = ((topics.prefix + topic.name, kind) for topic in inbound for kind in topic.types)
    return (
        *(_of_several(topic, kind) for topic, kind in facts),
        _of_one(topics.companies, "company"),
        _of_one(topics.policies, "policy"),
    )


def written_subjects(topics: TopicNames) -> tuple[Subject, ...]:
    """The subjects of the topics that the service writes, for this generation of the book."""
    letters = dict.fromkeys((topics.dead_letters, topics.book_letters))
    return (
        *(_of_several(topics.journal, record) for record in JOURNAL_RECORDS),
        _of_one(topics.ledger, "ledger"),
        _of_one(topics.snapshots, "snapshot"),
        _of_one(topics.alerts, "alert"),
        *(_of_one(topic, "dead-letter") for topic in letters),
    )


def full_name(entry: Registered) -> str:
    """The full name of the record that a schema describes."""
    schema = schema_text(entry.file)
    return f"{schema['namespace']}.{schema['name']}"


def schema_json(entry: Registered) -> str:
    """A schema as the registry gets it: the file's content on one line."""
    return json.dumps(schema_text(entry.file), ensure_ascii=False, separators=(",", ":"))


def _of_one(topic: str, record: str) -> Subject:
    return Subject(f"{topic}-value", tuple(_versions(record)))


def _of_several(topic: str, record: str) -> Subject:
    versions = tuple(_versions(record))
    return Subject(f"{topic}-{full_name(versions[-1])}", versions)


def _versions(record: str) -> Iterator[Registered]:
    yield from sorted((each for each in REGISTERED if each.subject == record), key=lambda each: each.version)
