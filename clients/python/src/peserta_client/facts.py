"""The four facts about a worker at a company (SEMANTICS 1). A fact that breaks a rule cannot be constructed."""

import json
import secrets
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date, datetime, timezone
from typing import Any, ClassVar, Final, TypeAlias

from peserta_client.rules import (
    NATIONAL_ID,
    TOKEN_RULE,
    Action,
    EmploymentType,
    InvalidFact,
    Programme,
    Reason,
    check_range,
    is_national_id,
    taken,
)

_encode: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyFact:
    """The fields of every fact; construct one of the four subclasses.

    `event_id` is made once, before the fact is first sent, and stays with the fact: a fact that is sent again with it
    counts once. `worker_id` is an opaque token (`peserta_client.tokens`). `effective_on` is the date in Jakarta from
    which the fact holds. `occurred_at`, with a time zone, is when the source system recorded the fact; it is stored in
    UTC, cut to milliseconds. `source` is the publishing system. Raises InvalidFact.
    """

    type: ClassVar[str]

    event_id: str
    company_id: str
    worker_id: str
    effective_on: date
    occurred_at: datetime
    source: str

    def __post_init__(self) -> None:
        if is_national_id(self.worker_id):
            raise InvalidFact(NATIONAL_ID, "worker_id", TOKEN_RULE)
        for field in fields(self):
            object.__setattr__(self, field.name, taken(field.name, getattr(self, field.name)))
        check_range(self.effective_on, datetime.now(timezone.utc))

    def to_json(self) -> str:
        """The fact as one line of JSON, without a line end."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        values["type"] = self.type
        values["effective_on"] = self.effective_on.isoformat()
        values["occurred_at"] = self.occurred_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if "programmes" in values:
            values["programmes"] = sorted(values["programmes"])
        return _encode(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hire(AnyFact):
    """A worker starts at a company, or changes employment type."""

    type: ClassVar[str] = "hire"
    employment_type: EmploymentType


@dataclass(frozen=True, slots=True, kw_only=True)
class Termination(AnyFact):
    """A worker leaves a company."""

    type: ClassVar[str] = "termination"
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment(AnyFact):
    """A worker is enrolled in programmes, or withdrawn from them. `programmes` becomes a frozen set."""

    type: ClassVar[str] = "enrollment"
    action: Action
    programmes: Collection[Programme]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction(AnyFact):
    """A correction voids a fact of the same company and worker: `corrects` is its event_id."""

    type: ClassVar[str] = "correction"
    corrects: str


Fact: TypeAlias = Hire | Termination | Enrollment | Correction

FACT_TYPES: Final[dict[str, type[Hire] | type[Termination] | type[Enrollment] | type[Correction]]] = {
    "hire": Hire,
    "termination": Termination,
    "enrollment": Enrollment,
    "correction": Correction,
}


def new_event_id() -> str:
    """A new event_id: a UUID of version 7, so that ids sort by the time at which they were made."""
    milliseconds = time.time_ns() // 1_000_000
    number = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=number))
