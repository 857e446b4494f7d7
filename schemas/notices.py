"""Notices: what was told to whom, and what became of it (SEMANTICS 13).

The records are those of `peserta.notices.v1` (compacted, one partition, key = notice id), in readable JSON. Whoever
reads them all knows everything the notifier knows. One record with the key POSITION_KEY says how far alerts were taken.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import NoneType
from typing import Any, Final

from schemas.admission import is_text
from schemas.dates import day_text
from schemas.public_json import JsonObject
from schemas.records import Day, Instant

ALERT: Final = "alert"
REMINDER: Final = "reminder"
DIGEST: Final = "digest"
SAMPLE: Final = "sample"  # sent by hand, never stored
KINDS: Final = (ALERT, REMINDER, DIGEST)

HELD: Final = "held"  # waits for a digest
PENDING: Final = "pending"
DELIVERED: Final = "delivered"
GIVEN_UP: Final = "given_up"
SUPERSEDED: Final = "superseded"
FATES: Final = (DELIVERED, GIVEN_UP, SUPERSEDED)
STATES: Final = (HELD, PENDING, *FATES)

POSITION_KEY: Final = b"@position"  # no subscription id has this sign
ANSWER_LENGTH_MAX: Final = 200

_IDS: Final = ("notice_id", "subscription_id")
_IDS_IF_ANY: Final = ("alert_id", "company_id", "status", "digest_id")
_NUMBERS: Final = ("seq", "created_at", "attempts", "ordered_at")
_INSTANTS_IF_ANY: Final = ("first_at", "next_at", "last_at")
_FLAGS: Final = ("gone", "closed")


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """An alert in its public JSON form, and the names that its text uses."""

    alert: JsonObject
    company_name: str | None = None
    policy_title: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What a notice says. It is composed before the first attempt, stored, and never changes after it.

    `superseding`: the firing of this episode was never sent. `number`: of a reminder, from 1. `on`: of a digest.
    """

    language: str
    kind: str
    alerts: tuple[AlertFacts, ...]
    superseding: bool = False
    number: int | None = None
    on: Day | None = None
    subject: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice and its state. `alert_id`, `status` and `company_id` are None for a digest, whose `items` are the ids
    of the notices that it tells. `seq` is the order in which notices were made. `gone`: the receiver answered that it
    wants nothing more. `closed`: of a firing whose resolved nobody
    is told. `ordered_at` is the last request by hand that was taken.
    """

    notice_id: str
    subscription_id: str
    kind: str
    state: str
    seq: int
    created_at: Instant
    alert_id: str | None = None
    company_id: str | None = None
    status: str | None = None
    message: Message | None = None  # None only where a reader has no use for it any more
    items: tuple[str, ...] = ()
    digest_id: str | None = None
    attempts: int = 0
    first_at: Instant | None = None
    next_at: Instant | None = None
    last_at: Instant | None = None
    last_answer: str = ""
    gone: bool = False
    closed: bool = False
    ordered_at: Instant = 0

    @property
    def has_ended(self) -> bool:
        return self.state in FATES

    def ended(self, fate: str, answer: str, at: Instant, *, gone: bool = False) -> "Notice":
        """This notice with its fate."""
        words = answer[:ANSWER_LENGTH_MAX]
        return replace(self, state=fate, last_answer=words, last_at=at, next_at=None, gone=gone)

    def encode(self) -> bytes:
        """The record's value."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def decode(cls, value: bytes) -> "Notice":
        """Raises ValueError for bytes that are no notice."""
        found = json.loads(value)
        if not isinstance(found, dict) or found.keys() != set(cls.__slots__):
            raise ValueError("not the fields of a notice")
        try:
            if found["message"] is not None:
                alerts = tuple(AlertFacts(**one) for one in found["message"]["alerts"])
                found["message"] = Message(**{**found["message"], "alerts": alerts})
            notice = cls(**{**found, "items": tuple(found["items"])})
        except TypeError as error:
            raise ValueError("a field of a notice is of another type") from error
        if wrong := wrong_field(notice):
            raise ValueError(f"{wrong} of a notice is not what it must be")
        return notice


def wrong_field(notice: Notice) -> str | None:
    """The first field that does not keep its rule. The message is not looked into."""
    checks = {
        **{name: _is_id(getattr(notice, name)) for name in _IDS},
        **{name: getattr(notice, name) is None or _is_id(getattr(notice, name)) for name in _IDS_IF_ANY},
        "kind": notice.kind in KINDS,
        "state": notice.state in STATES,
        "last_answer": isinstance(notice.last_answer, str) and is_text(notice.last_answer),
        "items": all(map(_is_id, notice.items)),
        **{name: type(getattr(notice, name)) is int for name in _NUMBERS},
        **{name: type(getattr(notice, name)) in (int, NoneType) for name in _INSTANTS_IF_ANY},
        **{name: type(getattr(notice, name)) is bool for name in _FLAGS},
    }
    return next((name for name, holds in checks.items() if not holds), None)


def _is_id(found: object) -> bool:
    return isinstance(found, str) and found != "" and is_text(found)


@dataclass(frozen=True, slots=True)
class Taken:
    """How far the alerts of one partition were taken: where the next one is read, and the journal offset of the last.

    Alerts of journal entries up to `skip_through` were taken from an earlier generation of the book.
    """

    next_alert: int = 0
    journal_offset: int = -1
    skip_through: int = -1


@dataclass(frozen=True, slots=True)
class Position:
    """How far the alerts of a generation of the book were taken."""

    generation: int = 1
    partitions: Mapping[int, Taken] = field(default_factory=dict)

    def encode(self) -> bytes:
        """The record's value."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def decode(cls, value: bytes) -> "Position":
        """Raises ValueError for bytes that are no position."""
        found = json.loads(value)
        if not isinstance(found, dict) or found.keys() != set(cls.__slots__):
            raise ValueError("not the fields of a position")
        try:
            taken = {int(number): Taken(**one) for number, one in found["partitions"].items()}
            return cls(found["generation"], taken)
        except (TypeError, AttributeError) as error:
            raise ValueError("a field of a position is of another type") from error


def alert_notice_id(subscription_id: str, alert_id: str, status: str) -> str:
    return f"{subscription_id}/{alert_id}/{status}"


def reminder_notice_id(subscription_id: str, alert_id: str, number: int) -> str:
    return f"{subscription_id}/{alert_id}/reminder/{number}"


def digest_notice_id(subscription_id: str, on: Day, company_id: str = "", part: int = 1) -> str:
    """`company_id` is that of a digest for the team of one company. A long digest has parts; the first has no
    number."""
    whose = f"/{company_id}" if company_id else ""
    return f"{subscription_id}/digest/{day_text(on)}{whose}" + (f"/{part}" if part > 1 else "")


@dataclass(frozen=True, slots=True)
class Order:
    """A request by hand, in `peserta.notice-orders.v1` (compacted, key = notice id): send again, or give up."""

    notice_id: str
    action: str
    at: Instant
    by: str

    def encode(self) -> bytes:
        """The record's value."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def decode(cls, value: bytes) -> "Order":
        """Raises ValueError for bytes that are no order."""
        found: Any = json.loads(value)
        if not isinstance(found, dict) or found.keys() != set(cls.__slots__) or found["action"] not in ORDERS:
            raise ValueError("not the fields of an order")
        return cls(**found)


RETRY: Final = "retry"
GIVE_UP: Final = "give_up"
ORDERS: Final = (RETRY, GIVE_UP)
