"""The HTTP door's role has exactly the rights that the door needs: with them every call works; without any one of them
a call is refused, and the operator is told which right is missing."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import pytest
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from deploy.embedded.stack import Stack
from peserta.cli.exit_codes import ExitCode
from peserta.http_server import application
from peserta.intake.door import Door
from peserta.intake.publisher import Publisher
from peserta.operations.access_rights import Operation, rights_of
from peserta.operations.failure import Unavailable
from peserta.settings import Settings
from schemas.fact_json import line_of
from schemas.topics import ALERTS, DEAD_LETTERS, FACTS, GENERATIONS, HANDLING, JOURNAL, KEYS
from tests.kafka.test_api import LINES, partitions_with_policies, send_past_the_door, watch
from tests.support.door_transport import until
from tests.support.facts import hire
from tests.support.http_process import HttpProcess, made_key
from tests.support.installation import PARTITIONS
from tests.support.locked_book import USERS, Book, UsersService, end_of
from tests.support.locked_kafka import ADMIN, LockedKafka
from tests.support.waiting import LIMIT_S, wait_until

ROLE: Final = "http-door"
PREFIX: Final = "door."
REFUSED: Final = httpx2.codes.SERVICE_UNAVAILABLE
UNCOVERED: Final = hire("fired", "2025-09-01", worker="r1", company="R1")  # fires the alert that is handled
TOO_LATE: Final = hire("late", "2027-09-01", worker="l1", company="L1")  # the recorder refuses it

Call = dict[str, Any]
POST: Final[Call] = {
    "method": "POST", "url": "/v1/facts", "content": line_of(hire("posted", "2025-09-01")), "headers": LINES
}  # fmt: skip
FATE: Final[Call] = {"method": "GET", "url": "/v1/facts/R1/fired"}
FATE_OF_REFUSED: Final[Call] = {"method": "GET", "url": "/v1/facts/L1/late"}
READ_ALERTS: Final[Call] = {"method": "GET", "url": "/v1/alerts"}
HANDLE: Final[Call] = {
    "method": "POST", "url": "/v1/alerts/R1/watched/1/handling", "json": {"action": "note", "text": "seen"}
}  # fmt: skip

Named = tuple[Operation, str]  # the operation, and the topic without the installation's prefix
AT_START: Final[Named] = (Operation.DESCRIBE_CONFIGS, FACTS)  # the door does not start without it
# Each other right of the role -> the call that needs it.
NEEDED: Final[dict[Named, Call]] = {
    (Operation.WRITE, FACTS): POST,
    (Operation.READ, KEYS): POST,
    (Operation.READ, JOURNAL): FATE,
    (Operation.READ, GENERATIONS): FATE,
    (Operation.READ, DEAD_LETTERS): FATE_OF_REFUSED,
    (Operation.READ, ALERTS): READ_ALERTS,
    (Operation.READ, HANDLING): READ_ALERTS,
    (Operation.WRITE, HANDLING): HANDLE,
}


def without(right: Named) -> str:
    """The user who has all rights of the role but this one."""
    return f"without-{[AT_START, *NEEDED].index(right)}"


@dataclass(frozen=True)
class Place:
    """A book with an alert and a refused fact, and the headers of a key that may do everything."""

    book: Book
    headers: dict[str, str]

    @asynccontextmanager
    async def door(self, user: str) -> AsyncIterator[httpx2.AsyncClient]:
        """The application of a door that connects to Kafka as this user."""
        app = application(self.book.of(user))
        reached = httpx2.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=reached, base_url="http://door", headers=self.headers) as client,
        ):
            yield client


@pytest.fixture(scope="module")
def place(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, database = tmp_path_factory.mktemp("door"), f"t{uuid.uuid4().hex[:10]}"
    locked = LockedKafka.launch(folder, *USERS.values(), ROLE, *map(without, (AT_START, *NEEDED)))
    try:
        book = Book.at(
            locked, PREFIX, folder / "data", clickhouse_url=stack.clickhouse_url, clickhouse_database=database
        )
        book.open(ROLE)
        rights = rights_of(ROLE, book.of(ADMIN))
        for operation, topic in (AT_START, *NEEDED):
            missing = operation, PREFIX + topic
            book.grant(without((operation, topic)), [one for one in rights if (one.operation, one.name) != missing])
        with UsersService(book, folder / "logs") as service:
            service.start()
            secret = asyncio.run(_told(book.of(ADMIN)))
            yield Place(book, {"Authorization": f"Bearer {secret}"})
            service.check()
            assert service.restarts == 0
    finally:
        locked.kafka.stop()


async def _told(settings: Settings) -> str:
    """Publish what the calls ask for; returns the key."""
    await watch(settings)
    await until(lambda: _watches(settings))
    sending = Publisher(settings.kafka, settings.topics.facts, Door(now=lambda: 0, replay=True))
    await sending.publish([(1, line_of(UNCOVERED).encode())], lambda *_: None)
    await send_past_the_door(settings, TOO_LATE)
    _, secret = await made_key(settings, "admin")
    return secret


def _watches(settings: Settings) -> bool:
    try:
        return partitions_with_policies(settings) == PARTITIONS
    except Unavailable:
        return False  # the sink has not made its tables yet


def test_every_right_of_the_role_is_tried_here(place: Place) -> None:
    role = [(right.operation, right.name) for right in rights_of(ROLE, place.book.of(ADMIN))]
    assert sorted(role) == sorted((operation, PREFIX + topic) for operation, topic in (AT_START, *NEEDED))


def test_a_door_with_the_rights_of_its_role_answers_every_call(place: Place) -> None:
    with (
        HttpProcess(place.book.of(ROLE), place.book.locked.folder / "door.log") as door,
        httpx2.Client(base_url=door.url, headers=place.headers, trust_env=False) as client,
    ):
        wait_until(lambda: client.get("/v1/facts/R1/fired").json().get("state") == "applied")
        wait_until(lambda: client.get("/v1/facts/L1/late").json().get("state", "").startswith("dead_letter:"))
        wait_until(lambda: len(client.get("/v1/alerts").json().get("alerts", ())) == 1)
        assert client.request(**POST).json()["accepted"] == 1
        assert client.request(**HANDLE).status_code == httpx2.codes.CREATED
        log = door.process.log.read_text(encoding="utf-8")
    assert "ACLs" not in log


@pytest.mark.parametrize("right", NEEDED, ids=lambda right: f"{right[0].name} {right[1]}")
async def test_without_one_right_a_call_is_refused_and_the_operator_is_told_which(
    right: Named, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async with place.door(without(right)) as client:
        if right != (Operation.READ, KEYS):
            await _answers(client, "/readyz")
        if NEEDED[right] is HANDLE:
            await _answers(client, "/v1/alerts")
        answer = await client.request(**NEEDED[right])
        await until(lambda: f"let this client use a topic: {PREFIX}{right[1]}. " in caplog.text)
    assert answer.status_code == REFUSED
    assert answer.headers["Retry-After"]
    assert "ACLs" not in answer.text


async def _answers(client: httpx2.AsyncClient, path: str) -> None:
    looks = AsyncRetrying(
        retry=retry_if_result(lambda answer: not answer.is_success),
        wait=wait_fixed(0.05),
        stop=stop_after_delay(LIMIT_S),
    )
    await looks(client.get, path)


def test_a_door_that_may_not_see_the_clock_of_the_book_does_not_start(place: Place) -> None:
    code, said = end_of(["api"], place.book.of(without(AT_START)))
    assert f"let this client use a topic: {PREFIX}{FACTS}. " in said
    assert code == ExitCode.WRONG_SETTINGS
