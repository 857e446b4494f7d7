"""Bodies that were once right, and changed: by bytes, by fields, by numbers of people, by nesting; from one seed."""

import json
import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from peserta.api.documents import CLOUD_EVENT, ENROLLMENT, HIRE
from peserta.api.media import EVENT, EVENTS, FORMS, JSON, LINES

NIK: Final = "3273010101900001"
KPJ: Final = "12345678901"
PERSONAL: Final = (NIK, KPJ)
TERMINATION: Final = {**HIRE, "type": "termination", "event_id": "t1", "reason": "resigned"}
CORRECTION: Final = {**HIRE, "type": "correction", "event_id": "c1", "corrects": "t1"}
del TERMINATION["employment_type"], CORRECTION["employment_type"]
FACTS: Final = (HIRE, ENROLLMENT, TERMINATION, CORRECTION)
VALUES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1e300, 10**40, "", " ", "x" * 70, "\ud800", "\x00", "é", "2025-02-30", "2025-09-01",
    "9999-12-31", "2025-09-01T02:00:60Z", [], {}, [[]], ["JKK", "JKK"], ["XXX"], {"a": {"b": []}}, *PERSONAL, f"w{NIK}",
    int(NIK), [NIK],
)  # fmt: skip
BYTES: Final = (
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\n",
    b"\r\n",
    b" ",
    b"\xed\xa0\x80",
)
MEDIA: Final = (*FORMS, "", "text/csv", "application/json;charset=latin-1", "a" * 300)


class Request(NamedTuple):
    """What is sent: `facts` is how many facts the body has, if it can still be read."""

    media: str
    headers: dict[str, str]
    query: str
    body: bytes


def request(chance: random.Random) -> Request:
    """A request that was right before it was changed."""
    media = chance.choice((JSON, JSON, LINES, LINES, EVENT, EVENTS))
    facts = [_changed(dict(chance.choice(FACTS)), chance) for _ in range(chance.choice((0, 1, 1, 2, 3, 5)))]
    body = _written(media, facts, chance)
    if chance.random() < 0.4:
        body = _broken(body, chance)
    if chance.random() < 0.1:
        media = chance.choice(MEDIA)
    query = chance.choice(
        ("", "", "", "?all_or_nothing=true", "?all_or_nothing=false", "?all_or_nothing=1", f"?{NIK}={NIK}")
    )
    headers = {}
    if chance.random() < 0.1:
        names = ("ce-specversion", "ce-id", "ce-type", "ce-source")
        headers = {name: chance.choice(("1.0", "e1", "", NIK)) for name in names if chance.random() < 0.9}
    return Request(media, headers, query, body)


def _changed(fact: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
        name = chance.choice((*fact, "more", NIK))
        if chance.random() < 0.3:
            fact.pop(name, None)
        else:
            fact[name] = chance.choice(VALUES)
    if chance.random() < 0.05:
        fact["worker_id"] = chance.choice(PERSONAL)
    if chance.random() < 0.05:
        fact["effective_on"] = chance.choice(("1969-12-31", "2099-01-01"))
    return fact


def _event(fact: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    event = CLOUD_EVENT | {"id": fact.get("event_id"), "data": fact}
    return _changed(event, chance) if chance.random() < 0.2 else event


def _written(media: str, facts: list[dict[str, Any]], chance: random.Random) -> bytes:
    indent = chance.choice((None, None, 1))
    if media == LINES:
        return b"\n".join(json.dumps(fact).encode() for fact in facts)
    values: list[Any] = [_event(fact, chance) for fact in facts] if media in (EVENT, EVENTS) else list(facts)
    if media == EVENT or (media == JSON and chance.random() < 0.3):
        return json.dumps(values[0] if values else {}, indent=indent).encode()
    return json.dumps(values, indent=indent).encode()


def _broken(body: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 4))):
        body = chance.choice(BREAKING)(body, chance)
    return body


def _at(body: bytes, chance: random.Random) -> int:
    return chance.randrange(len(body) + 1)


def _cut(body: bytes, chance: random.Random) -> bytes:
    return body[: _at(body, chance)]


def _put(body: bytes, chance: random.Random) -> bytes:
    at = _at(body, chance)
    return body[:at] + chance.choice(BYTES) * chance.choice((1, 1, 2, 200)) + body[at:]


def _flip(body: bytes, chance: random.Random) -> bytes:
    at = _at(body, chance)
    return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]


def _twice(body: bytes, chance: random.Random) -> bytes:
    first, second = sorted((_at(body, chance), _at(body, chance)))
    return body[:second] + body[first:second] + body[second:]


def _long(body: bytes, chance: random.Random) -> bytes:
    return body.replace(b"hris", b"x" * chance.choice((65, 17_000)))


def _deep(body: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((2, 17, 2_000))
    return b"[" * depth + body + b"]" * depth


BREAKING: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (_cut, _put, _flip, _twice, _long, _deep)
