"""`POST /v1/facts`: the forms of a body and the answers. The door accepts a fact only after Kafka has it."""

import asyncio
import json
from typing import Any, Final

import pytest

from peserta.api.documents import EXAMPLES
from peserta.api.media import EVENT, EVENTS, JSON, LINES
from peserta.api.problems import PROBLEM
from schemas.fact_json import line_of
from tests.support.facts import hire, termination
from tests.support.held_fact_log import HeldFactLog
from tests.support.http_door import HttpDoor, lines

GOOD: Final = line_of(hire("e1", "2025-09-01"))
OTHER: Final = line_of(termination("e2", "2025-09-02"))
BAD: Final = line_of(hire("e3", "2027-09-01"))
REFUSED: Final = {
    "line": 2,
    "event_id": "e3",
    "reason": "effective_on_out_of_range",
    "field": "effective_on",
    "message": "effective_on must lie from 1 January 1970 to 1 year after the recording",
}


def event(line: str) -> dict[str, Any]:
    fact = json.loads(line)
    return {"specversion": "1.0", "id": fact.pop("event_id"), "type": "t", "source": "/s", "data": fact}


BODIES: Final = {
    "an array": (JSON, f"[{GOOD},{BAD},{OTHER}]"),
    "lines": (LINES, f"{GOOD}\n{BAD}\n{OTHER}"),
    "lines by another name": ("application/jsonl; charset=UTF-8", f"{GOOD}\n{BAD}\n{OTHER}"),
    "a batch of CloudEvents": (EVENTS, json.dumps([event(GOOD), event(BAD), event(OTHER)])),
}


@pytest.mark.parametrize(("media", "body"), BODIES.values(), ids=list(BODIES))
async def test_every_fact_of_a_body_has_its_fate(media: str, body: str) -> None:
    door = HttpDoor()
    answer = await door.post(body, media)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "refused": [REFUSED]})
    assert [line_of(fact) for fact in door.log.sent] == [GOOD, OTHER]


@pytest.mark.parametrize(
    ("media", "body", "headers"),
    [
        (JSON, GOOD, {}),
        (EVENT, json.dumps(event(GOOD)), {}),
        (
            JSON,
            json.dumps(event(GOOD)["data"]),
            {"ce-specversion": "1.0", "ce-id": "e1", "ce-type": "t", "ce-source": "/s"},
        ),
        ("Application/JSON;charset=utf-8", GOOD, {}),
    ],
    ids=["an object", "a CloudEvent", "a CloudEvent in binary mode", "however it is written"],
)
async def test_one_fact(media: str, body: str, headers: dict[str, str]) -> None:
    door = HttpDoor()
    answer = await door.post(body, media, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "refused": []})
    assert [line_of(fact) for fact in door.log.sent] == [GOOD]


@pytest.mark.parametrize("media", EXAMPLES)
async def test_the_examples_of_the_document_are_accepted(media: str) -> None:
    answer = await HttpDoor().post(EXAMPLES[media], media)
    assert (answer.status_code, answer.json()["refused"]) == (200, [])


@pytest.mark.parametrize("said", ["true", "false", None])
async def test_all_or_nothing(said: str | None) -> None:
    door = HttpDoor()
    answer = await door.post(f"[{GOOD},{BAD}]", params={} if said is None else {"all_or_nothing": said})
    assert answer.status_code == (422 if said == "true" else 200)
    assert answer.json()["refused"] == [REFUSED]
    assert answer.json()["accepted"] == len(door.log.sent) == (0 if said == "true" else 1)


async def test_all_when_nothing_is_refused() -> None:
    door = HttpDoor()
    answer = await door.post(f"[{GOOD},{OTHER}]", params={"all_or_nothing": "true"})
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "refused": []})


PROBLEMS: Final[dict[str, tuple[int, str, dict[str, Any]]]] = {
    "no JSON": (400, "unreadable", {"body": "{"}),
    "an array without an end": (400, "unreadable", {"body": f"[{GOOD}"}),
    "not UTF-8": (400, "unreadable", {"body": b"[\xff]"}),
    "binary mode without its headers": (400, "unreadable", {"body": GOOD, "headers": {"ce-specversion": "1.0"}}),
    "a parameter that is none": (400, "wrong-parameter", {"body": GOOD, "params": {"all_or_nothing": "yes"}}),
    "no content type": (415, "unknown-form", {"body": GOOD, "media": ""}),
    "another content type": (415, "unknown-form", {"body": GOOD, "media": "text/csv"}),
    "another charset": (415, "unknown-form", {"body": GOOD, "media": "application/json; charset=utf-16"}),
    "an encoding": (415, "unknown-form", {"body": GOOD, "headers": {"Content-Encoding": "gzip"}}),
}


@pytest.mark.parametrize(("status", "name", "request_of"), PROBLEMS.values(), ids=list(PROBLEMS))
async def test_what_cannot_be_read_publishes_nothing(status: int, name: str, request_of: dict[str, Any]) -> None:
    door = HttpDoor()
    answer = await door.post(**request_of)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert answer.json()["type"] == f"urn:peserta:problem:{name}"
    assert answer.json()["status"] == status
    assert door.log.calls == 0


async def test_it_answers_when_kafka_has_acknowledged_and_not_before() -> None:
    door = HttpDoor(HeldFactLog(held=True))
    posting = asyncio.create_task(door.post(lines([GOOD, OTHER]), LINES))
    await door.log.has_been_called.wait()
    for _ in range(50):
        await asyncio.sleep(0)
    assert not posting.done()
    door.log.release()
    assert (await posting).json() == {"accepted": 2, "refused": []}


@pytest.mark.parametrize("log", [HeldFactLog(silent=True), HeldFactLog(busy=True)], ids=["silent", "busy"])
async def test_without_an_acknowledgement_all_is_to_be_sent_again(log: HeldFactLog) -> None:
    answer = await HttpDoor(log).post(lines([GOOD, OTHER, BAD]), LINES)
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
    assert int(answer.headers["retry-after"]) > 0
    assert "accepted" not in answer.json()


@pytest.mark.parametrize(
    ("limits", "line", "field"),
    [
        ({"companies": ["C2"]}, GOOD, "company_id"),
        ({"types": ["termination"]}, GOOD, "type"),
        ({"sources": ["agency"]}, GOOD, "source"),
    ],
)
async def test_what_the_key_does_not_allow_is_refused_fact_by_fact(
    limits: dict[str, Any], line: str, field: str
) -> None:
    door = HttpDoor()
    secret = door.keys.add(**limits)
    answer = await door.post(f"[{line}]", secret=secret)
    (refused,) = answer.json()["refused"]
    assert (answer.status_code, refused["reason"], refused["field"]) == (200, "not_allowed", field)
    assert door.log.sent == []


NIK: Final = "3273010101900001"
KPJ: Final = "12345678901"
FIELDS: Final = [*json.loads(GOOD), "more", NIK]


@pytest.mark.parametrize("number", [NIK, KPJ])
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("media", [JSON, LINES, EVENT, EVENTS])
async def test_no_answer_and_no_metric_repeats_a_personal_number(media: str, field: str, number: str) -> None:
    door = HttpDoor()
    fact = json.loads(BAD) | {field: number}
    event_of = {"specversion": "1.0", "id": fact["event_id"], "type": number, "source": number, "data": fact}
    body = {
        JSON: f"[{json.dumps(fact)}]",
        LINES: json.dumps(fact),
        EVENT: json.dumps(event_of),
        EVENTS: f"[{json.dumps(event_of)}]",
    }[media]
    answer = await door.post(body, media)
    async with door.client() as client:
        counted = await client.get("/metrics")
    assert len(answer.json()["refused"]) == 1
    assert NIK not in answer.text + counted.text
    assert KPJ not in answer.text + counted.text
