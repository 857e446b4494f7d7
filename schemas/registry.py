"""Which schema has which id: a fixed table, which a schema registry can replace later.

A schema that has been published never changes: a new version gets a new id and a file of its own, and
`tests/unit/schemas` checks that every version of a subject can read every other.
"""

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any, Final, Protocol

AvroSchema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Registered:
    """One version of a schema. `subject` is the record it describes."""

    schema_id: int
    subject: str
    version: int
    file: str


REGISTERED: Final = (
    Registered(1, "hire", 1, "hire.avsc"),
    Registered(2, "termination", 1, "termination.avsc"),
    Registered(3, "enrollment", 1, "enrollment.avsc"),
    Registered(4, "correction", 1, "correction.avsc"),
    Registered(10, "company", 1, "company.avsc"),
    Registered(12, "company", 2, "company-2.avsc"),
    Registered(11, "policy", 1, "policy.avsc"),
    Registered(20, "journal-fact", 1, "journal-fact.avsc"),
    Registered(21, "journal-company-set", 1, "journal-company-set.avsc"),
    Registered(22, "journal-policy-set", 1, "journal-policy-set.avsc"),
    Registered(23, "journal-policy-ended", 1, "journal-policy-ended.avsc"),
    Registered(24, "journal-tick", 1, "journal-tick.avsc"),
    Registered(30, "ledger", 1, "ledger.avsc"),
    Registered(40, "snapshot", 1, "snapshot.avsc"),
    Registered(41, "snapshot", 2, "snapshot-2.avsc"),
    Registered(50, "alert", 1, "alert.avsc"),
    Registered(60, "dead-letter", 1, "dead-letter.avsc"),
    Registered(61, "dead-letter", 2, "dead-letter-2.avsc"),
)


class SchemaRegistry(Hashable, Protocol):
    """What the codec needs to know: the id to write a subject with, and the schema behind an id."""

    def latest_id(self, subject: str) -> int: ...

    def ids(self, subject: str) -> tuple[int, ...]:
        """The ids of all versions, the latest last. Records of every version must be readable."""
        ...

    def schema(self, schema_id: int) -> AvroSchema:
        """The schema with this id; KeyError when there is none."""
        ...


@dataclass(frozen=True)
class FixedRegistry:
    """The schemas of this package, by the ids in REGISTERED. Registries with the same schemas compare equal."""

    registered: tuple[Registered, ...] = REGISTERED

    @cached_property
    def _by_id(self) -> dict[int, Registered]:
        return {entry.schema_id: entry for entry in self.registered}

    @cached_property
    def _ids(self) -> dict[str, tuple[int, ...]]:
        ids: dict[str, tuple[int, ...]] = {}
        for entry in sorted(self.registered, key=lambda e: e.version):
            ids[entry.subject] = (*ids.get(entry.subject, ()), entry.schema_id)
        return ids

    def latest_id(self, subject: str) -> int:
        return self._ids[subject][-1]

    def ids(self, subject: str) -> tuple[int, ...]:
        return self._ids[subject]

    def schema(self, schema_id: int) -> AvroSchema:
        return schema_text(self._by_id[schema_id].file)


def schema_text(file: str) -> AvroSchema:
    """The parsed JSON of a schema file of this package."""
    text = resources.files("schemas").joinpath("avro", file).read_text(encoding="utf-8")
    schema: AvroSchema = json.loads(text)
    return schema
