"""The HTTP door as real processes on a real Kafka and ClickHouse. The tests kill and stop them under load."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from deploy.embedded.stack import Stack
from peserta.intake.reference import apply, plan_policies
from peserta.operations.clickhouse_reading import analyst
from peserta.operations.failure import Unavailable
from peserta.operations.keys import change_key
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from schemas.codec import InboundCodec
from schemas.dates import day
from schemas.fact_json import line_of
from schemas.kafka.client import client_options
from schemas.records import Fact, Policy, Scope
from tests.support.facts import enrollment, hire, noon
from tests.support.http_process import HttpProcess, made_key
from tests.support.installation import PARTITIONS, RestartingService, installation
from tests.support.waiting import wait_until

LINES: Final = {"Content-Type": "application/x-ndjson"}
BATCH: Final = 200
BATCHES: Final = 24
BEFORE_KILL: Final = 6
STOPPED_S: Final = 5.0  # SEMANTICS 12: the time in which a new key works and a revoked key stops


@dataclass(frozen=True)
class Place:
    """An installation whose workers run, and two processes of its door."""

    settings: Settings
    doors: tuple[HttpProcess, HttpProcess]
    logs: Path


@pytest.fixture(scope="module")
def place(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, name = tmp_path_factory.mktemp("api"), f"t{uuid.uuid4().hex[:10]}"
    settings = installation(stack.kafka_address, stack.clickhouse_url, f"{name}.", name, folder / "data")
    asyncio.run(make_topics(settings))
    with (
        RestartingService(settings, folder / "logs") as service,
        HttpProcess(settings, folder / "logs" / "first.log") as first,
        HttpProcess(settings, folder / "logs" / "second.log") as second,
    ):
        service.start()
        wait_until(lambda: _can_be_asked(settings))
        yield Place(settings, (first, second), folder / "logs")


def _can_be_asked(settings: Settings) -> bool:
    """Whether the sink, which has just started, has made the views."""
    try:
        return dispositions(settings, "") == {}
    except Unavailable:
        return False


def batch(name: str, number: int) -> bytes:
    """BATCH hires of different workers."""
    ids = [f"{name}-{number}-{n}" for n in range(BATCH)]
    facts = [hire(one, "2025-09-01", worker=one, company=f"{name}{n % 7}") for n, one in enumerate(ids)]
    return "".join(f"{line_of(fact)}\n" for fact in facts).encode()


def dispositions(settings: Settings, name: str) -> dict[str, Counter[str]]:
    """event_id -> number of its records by disposition, for the events whose id begins with `name`."""
    query = "SELECT event_id, disposition FROM journal WHERE startsWith(event_id, {name:String})"
    found: dict[str, Counter[str]] = {}
    with analyst(settings) as client:
        for event_id, disposition in client.query(query, parameters={"name": name}).result_rows:
            found.setdefault(event_id, Counter())[disposition] += 1
    return found


def test_after_a_kill_in_the_middle_and_all_sent_again_each_fact_is_in_the_book_once(
    place: Place, tmp_path: Path
) -> None:
    _, secret = asyncio.run(made_key(place.settings))
    accepted: set[int] = set()
    enough, failed = threading.Event(), threading.Event()

    def send(door: HttpProcess, *, to_the_end: bool) -> None:
        with door.client(secret) as client:
            for number in range(BATCHES):
                try:
                    answer = client.post("/v1/facts", content=batch("kill", number), headers=LINES)
                except httpx2.TransportError:
                    assert not to_the_end
                    failed.set()
                    return
                assert (answer.status_code, answer.json()["accepted"]) == (200, BATCH), answer.text
                accepted.add(number)
                if number == BEFORE_KILL:
                    enough.set()

    with HttpProcess(place.settings, tmp_path / "killed.log") as killed:
        wait_until(lambda: posts_nothing(killed, secret))
        sending = threading.Thread(target=send, args=(killed,), kwargs={"to_the_end": False})
        sending.start()
        assert enough.wait(60)
        killed.process.kill()
        sending.join(60)
    assert failed.is_set(), "the kill came after all was sent"
    before = set(accepted)
    send(place.doors[0], to_the_end=True)
    assert len(accepted) == BATCHES
    wait_until(lambda: len(dispositions(place.settings, "kill-")) == BATCH * BATCHES)
    # Every batch was sent twice, so each batch that was acknowledged the first time has duplicates.
    wait_until(lambda: _all_judged(place.settings, before))
    assert {found["applied"] for found in dispositions(place.settings, "kill-").values()} == {1}


def _all_judged(settings: Settings, before: set[int]) -> bool:
    found = dispositions(settings, "kill-")
    return all(found[f"kill-{number}-{n}"] == {"applied": 1, "duplicate": 1} for number in before for n in range(BATCH))


def posts_nothing(door: HttpProcess, secret: str) -> bool:
    """Whether the process knows the key. It then accepts an empty body."""
    with door.client(secret) as client:
        return client.post("/v1/facts", content=b"", headers=LINES).status_code == 200


def test_a_new_key_works_and_a_revoked_one_stops_at_every_process(place: Place) -> None:
    key_id, secret = asyncio.run(made_key(place.settings))
    for door in place.doors:
        wait_until(lambda door=door: posts_nothing(door, secret), STOPPED_S)  # type: ignore[misc]
    asyncio.run(change_key(place.settings, key_id, revoked=True))
    for door in place.doors:
        wait_until(lambda door=door: not posts_nothing(door, secret), STOPPED_S)  # type: ignore[misc]


def test_what_became_of_a_fact_is_known_at_every_process(place: Place) -> None:
    _, secret = asyncio.run(made_key(place.settings, companies=["F1"]))
    line = line_of(hire("fate-1", "2025-09-01", worker="f1", company="F1"))
    other = line_of(hire("fate-1", "2025-09-01", "daily", worker="f1", company="F1"))

    def asked(door: HttpProcess, company: str = "F1", event_id: str = "fate-1") -> dict[str, Any]:
        with door.client(secret) as client:
            answer = client.get(f"/v1/facts/{company}/{event_id}")
            found: dict[str, Any] = answer.json() if answer.status_code == 200 else {"state": answer.status_code}
            return found

    first, second = place.doors
    wait_until(lambda: posts_nothing(first, secret) and posts_nothing(second, secret))
    wait_until(lambda: asked(first)["state"] == "unknown")  # the sink may still be creating its tables
    with first.client(secret) as client:
        for body in (line, line, other):
            assert client.post("/v1/facts", content=body, headers=LINES).json()["accepted"] == 1
    for door in place.doors:
        wait_until(lambda door=door: len(states(asked(door))) == 3 and "recorded" not in states(asked(door)))  # type: ignore[misc]
        found = asked(door)
        assert (found["state"], states(found)) == ("applied", ["applied", "duplicate", "dead_letter:id_conflict"])
        last = found["records"][-1]
        assert last["journal"]["offset"] < found["speaks"]["read_to"] <= found["speaks"]["end"]
        assert last["journal"]["offset"] <= found["speaks"]["judged_to"]
        assert last["came_from"]["topic"] == place.settings.topics.facts
        assert asked(door, event_id="fate-2")["state"] == "unknown"
        assert asked(door, company="F2")["state"] == 403


async def send_past_the_door(settings: Settings, *facts: Fact) -> None:
    """Send like a publisher with a Kafka client, so that nothing checks the facts before the recorder."""
    async with AIOKafkaProducer(**client_options(settings.kafka)) as producer:
        for fact in facts:
            value = InboundCodec().encode(fact)
            await producer.send_and_wait(
                settings.topics.facts, value, fact.company_id.encode(), timestamp_ms=noon("2025-09-01")
            )


def test_what_the_recorder_refused_is_known_to_its_company_only(place: Place) -> None:
    _, secret = asyncio.run(made_key(place.settings))
    wrong = [hire("late-1", "2027-09-01", worker="l1", company=company) for company in ("L1", "L2")]
    asyncio.run(send_past_the_door(place.settings, *wrong))
    door = place.doors[0]

    def state(company: str) -> str:
        with door.client(secret) as client:
            answer = client.get(f"/v1/facts/{company}/late-1")
            return str(answer.json()["state"]) if answer.is_success else ""

    for company in ("L1", "L2"):
        wait_until(lambda company=company: state(company) == "dead_letter:effective_on_out_of_range")  # type: ignore[misc]
    assert state("L3") == "unknown"


WATCHED: Final = Policy(
    policy_id="watched",
    threshold_bp=8000,
    effective_from=day("2025-01-01"),
    scope=Scope(company_ids=("R1", "R2")),
    min_active=1,
)


async def watch(settings: Settings) -> None:
    """Apply a policy that R1 and R2 break while their one worker is not covered."""
    await apply(settings, await plan_policies(settings, [WATCHED]), noon("2025-09-01"))


def partitions_with_policies(settings: Settings) -> int:
    """In how many partitions of the journal the policy is."""
    with analyst(settings, settings.database) as client:
        ((found,),) = client.query("SELECT uniqExact(partition) FROM journal_policies").result_rows
        return int(found)


def reads(door: HttpProcess, secret: str, path: str) -> Any:
    """An answer's fields; empty if it is none."""
    with door.client(secret) as client:
        answer = client.get(path)
        return answer.json() if answer.is_success else {}


def streamed(door: HttpProcess, secret: str, behind: str) -> Iterator[str]:
    """The lines of a stream."""
    with (
        door.client(secret) as client,
        client.stream("GET", "/v1/alerts/stream", headers={"Last-Event-ID": behind}) as answer,
    ):
        yield from answer.iter_lines()


def test_figures_and_alerts_are_the_same_at_every_process_and_can_be_handled(place: Place) -> None:
    asyncio.run(watch(place.settings))
    wait_until(lambda: partitions_with_policies(place.settings) == PARTITIONS)
    _, publisher = asyncio.run(made_key(place.settings))
    officer_id, officer = asyncio.run(made_key(place.settings, "officer", companies=["R1", "R2"]))
    first, second = place.doors
    wait_until(lambda: posts_nothing(first, publisher))
    facts = (
        hire("r1", "2025-09-01", worker="r1", company="R1"),
        enrollment("r2", "2025-09-02", worker="r1", company="R1"),
        hire("r3", "2025-09-02", company="R2"),
    )
    with first.client(publisher) as client:
        for fact in facts:
            assert client.post("/v1/facts", content=line_of(fact), headers=LINES).json()["accepted"] == 1
    for door in place.doors:
        wait_until(lambda door=door: len(reads(door, officer, "/v1/alerts").get("alerts", ())) == 3)  # type: ignore[misc]
    page = reads(first, officer, "/v1/alerts?limit=1")
    rest = reads(second, officer, f"/v1/alerts?cursor={page['cursor']}")["alerts"]
    whole = reads(first, officer, "/v1/alerts")["alerts"]
    assert page["alerts"] + rest == whole
    assert [(one["company_id"], one["status"]) for one in whole if one["company_id"] == "R1"] == [
        ("R1", "firing"),
        ("R1", "resolved"),
    ]
    stream = streamed(second, officer, page["cursor"])
    events = [json.loads(next(line for line in stream if line.startswith("data: "))[6:]) for _ in rest]
    assert [one | {"handling": None} for one in events] == rest

    with first.client(officer) as client:
        for alert, status in (("R2/watched/1", 201), ("R1/watched/1", 409), ("R3/watched/1", 404)):
            answer = client.post(f"/v1/alerts/{alert}/handling", json={"action": "note", "text": "seen"})
            assert answer.status_code == status, answer.text
    for door in place.doors:
        wait_until(lambda door=door: noted(reads(door, officer, "/v1/alerts?company=R2")) == ["seen"])  # type: ignore[misc]
        wait_until(lambda door=door: states_of(reads(door, officer, "/v1/companies")) == STATES)  # type: ignore[misc]
        past = reads(door, officer, "/v1/companies/R1?as_of=2025-09-01&known_at=2025-09-30T00:00:00Z")
        assert (past["figures"]["active"], past["figures"]["covered"], past["policies"]) == (1, 0, None)
        assert reads(door, officer, "/v1/companies/R1?known_at=2025-08-01T00:00:00Z")["figures"] is None
        assert reads(door, officer, "/v1/companies/H1") == {}
    asyncio.run(change_key(place.settings, officer_id, revoked=True))
    assert [line for line in stream if "the key is no longer valid" in line]


STATES: Final = {"R1": (1, 1, "met"), "R2": (1, 0, "breached")}


def states_of(answer: dict[str, Any]) -> dict[str, tuple[int, int, str]]:
    return {
        one["company_id"]: (one["figures"]["active"], one["figures"]["covered"], one["policies"][0]["state"])
        for one in answer.get("companies", ())
        if one["policies"]
    }


def noted(answer: dict[str, Any]) -> list[str]:
    return [note["text"] for one in answer["alerts"] if one["handling"] for note in one["handling"]["notes"]]


NIK: Final = "3273010101900001"


def test_no_log_and_no_metric_of_a_process_has_a_personal_number_in_it(place: Place) -> None:
    _, secret = asyncio.run(made_key(place.settings))
    door, fact = place.doors[1], json.loads(line_of(hire("e1", "2025-09-01")))
    wait_until(lambda: posts_nothing(door, secret))
    with door.client(secret) as client:
        for field in fact:
            client.post("/v1/facts", json=fact | {field: NIK, "event_id": NIK}, params={NIK: NIK})
            client.post("/v1/facts", content=NIK + "{", headers=LINES | {NIK: NIK})
        answers = [client.get(f"/v1/facts/{company}/{NIK}") for company in (NIK, "C1")]
        answers += [client.get(f"/{NIK}"), client.get("/metrics")]
    with door.client(NIK) as stranger:
        answers.append(stranger.get(f"/v1/facts/C1/{NIK}"))
    assert [answer.url for answer in answers if NIK in answer.text] == []
    assert NIK not in door.process.log.read_text(encoding="utf-8")


def states(found: dict[str, Any]) -> list[str]:
    return [record["state"] for record in found["records"]]


def test_a_stop_in_order_finishes_what_was_taken(place: Place, tmp_path: Path) -> None:
    _, secret = asyncio.run(made_key(place.settings))
    _, reader = asyncio.run(made_key(place.settings, "reader"))
    begun = threading.Event()
    rest = threading.Event()

    def body() -> Iterator[bytes]:
        yield batch("stop", 0)
        begun.set()
        assert rest.wait(60)
        yield batch("stop", 1)

    answers: list[httpx2.Response] = []

    def send(door: HttpProcess) -> None:
        with door.client(secret) as client:
            answers.append(client.post("/v1/facts", content=body(), headers=LINES))

    with HttpProcess(place.settings, tmp_path / "stopped.log") as door:
        wait_until(lambda: posts_nothing(door, secret))
        wait_until(lambda: "alerts" in reads(door, reader, "/v1/alerts"))
        stream = streamed(door, reader, reads(door, reader, "/v1/alerts?cursor=latest")["cursor"])
        assert next(stream).startswith("retry")
        sending = threading.Thread(target=send, args=(door,))
        sending.start()
        assert begun.wait(60)
        wait_until(lambda: running(door) == 3)  # this request, the stream, and the one that asks for the number
        door.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not listens(door))
        assert [line for line in stream if "come back with Last-Event-ID" in line]
        rest.set()
        sending.join(60)
        assert door.process.wait(60) == 0, door.process.log_tail()
    assert [(answer.status_code, answer.json()["accepted"]) for answer in answers] == [(200, 2 * BATCH)]


def running(door: HttpProcess) -> float:
    text = httpx2.get(f"{door.url}/metrics", trust_env=False).text
    return next(
        float(line.split()[1]) for line in text.splitlines() if line.startswith("peserta_api_requests_running ")
    )


def listens(door: HttpProcess) -> bool:
    try:
        httpx2.get(f"{door.url}/livez", trust_env=False)
    except (httpx2.TransportError, StopIteration):
        return False
    return True


TOP: Final = Path(__file__).parents[2]
NOT_RUN: Final = (". .venv/bin/activate", "peserta up")
USUAL: Final = "http://127.0.0.1:8080"


def test_the_page_works_when_it_is_typed_in_order(place: Place, tmp_path: Path) -> None:
    page = (TOP / "docs" / "http.md").read_text(encoding="utf-8")
    scripts, answers = (re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL) for kind in ("sh", "json"))
    said = [typed(script, place, tmp_path) for script in scripts]
    assert [json.loads(answer) for answer in answers] == [
        json.loads(words) for words in said if words.startswith('{"acc')
    ]
    (fate,) = (json.loads(words) for words in said if words.startswith('{"state'))
    assert fate["state"] in ("unknown", "recorded", "applied")
    assert "hris-maju" in said[-1]


def typed(script: str, place: Place, folder: Path) -> str:
    """The output of a code block when a shell runs it."""
    lines = [line for line in script.splitlines() if not line.startswith(NOT_RUN)]
    done = subprocess.run(
        ["bash", "-eu", "-c", "\n".join(lines).replace(USUAL, place.doors[0].url)],
        cwd=folder,
        env={
            **os.environ,
            **place.settings.environment(),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout
