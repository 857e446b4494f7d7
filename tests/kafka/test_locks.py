"""A broker that accepts only encrypted connections of known users. Each role has its own user and its own rights."""

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from peserta.demo.evidence import gather
from peserta.demo.material import from_story
from peserta.demo.proof import prove
from peserta.demo.run import Run
from peserta.demo.story import story
from peserta.intake.door import Door
from peserta.intake.publisher import Publisher
from peserta.operations.access_rights import PRINCIPAL_KIND, Operation, Pattern, Resource, Right, grant, rights_of
from peserta.operations.alerts_reading import stored_alerts
from peserta.operations.failure import Unfit
from peserta.operations.kafka_reading import Offsets, end_offsets, read_to_end
from peserta.operations.service import Service
from schemas.fact_json import line_of
from schemas.kafka.access import KafkaAccess
from streams.lane.stop_code import StopCode
from tests.kafka import test_append_lane, test_transactional_lane
from tests.support.facts import hire
from tests.support.lane_case import LaneCase
from tests.support.locked_book import READER, USERS, Book, UsersService, end_of
from tests.support.locked_kafka import ADMIN, LockedKafka, word
from tests.support.locks import Authority

SCALE: Final = 0.1
LOOK_EVERY_S: Final = 0.1
WITHOUT: Final = {Resource.GROUP: "without-group", Resource.TRANSACTIONAL_ID: "without-id"}
STRANGER: Final = "stranger"
LANE: Final = "lane"
PUBLISHER: Final = "publisher"
DAY: Final = timedelta(days=1)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LockedKafka]:
    folder = tmp_path_factory.mktemp("locked")
    running = LockedKafka.launch(folder, *USERS.values(), *WITHOUT.values(), STRANGER, READER, LANE, PUBLISHER)
    yield running
    running.kafka.stop()


@pytest.fixture(scope="module")
def refusing(locked: LockedKafka) -> Book:
    """A book without records, for users whom the broker refuses something."""
    book = Book.at(locked, "refusing.", locked.folder / "refusing", clickhouse_url="http://127.0.0.1:9")
    book.open()
    for missing, user in WITHOUT.items():
        book.grant(user, [right for right in rights_of("book-keeper", book.of(ADMIN)) if right.resource != missing])
    return book


def shown_of(service: UsersService) -> str:
    """The workers' arguments, which every user of the machine can see, and their environments."""
    places = (
        Path(f"/proc/{process.pid}/{what}") for process in service.processes.values() for what in ("cmdline", "environ")
    )
    return "".join(place.read_text(errors="replace") for place in places if place.exists())


def test_each_role_needs_its_own_rights_only_and_a_kill_loses_and_doubles_nothing(
    locked: LockedKafka, clickhouse_url: str, clickhouse_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    book = Book.at(
        locked, topic_prefix, tmp_path, clickhouse_url=clickhouse_url, clickhouse_database=clickhouse_database
    )
    book.open()
    settings, material = book.of(ADMIN), from_story(story(scale=SCALE))
    with UsersService(book, tmp_path / "logs") as service:
        run = Run(settings, material, service, say=lambda _: None)
        run.prepare()
        half = len(material.lines) // 2
        run.publish(material.lines[:half])
        seen = shown_of(service)
        service.kill("bookkeeper")
        run.publish(material.lines[half:])
        run.arrive()
        seen += shown_of(service)
        evidence = gather(settings)
        checks = prove(material, run.sent, evidence)
        read = asyncio.run(stored_alerts(book.of(READER))).alerts

    assert [check for check in checks if not check.holds] == []
    assert len(read) == len(evidence.alerts)
    assert service.restarts == 1
    said = "".join(log.read_text(errors="replace") for log in (tmp_path / "logs").iterdir())
    assert "PESERTA_KAFKA_PASSWORD_FILE" in seen or not Path("/proc/self").exists()
    assert [user for user in (ADMIN, *USERS.values()) if word(user) in seen + said] == []


@pytest.mark.parametrize(
    ("worker", "user", "words"),
    [
        ("recorder", STRANGER, "do not let this client use topics: "),
        ("bookkeeper", STRANGER, "a topic: refusing.coverage.generations.v1"),
        ("sink", STRANGER, "a topic: refusing.coverage.generations.v1"),
        ("bookkeeper", WITHOUT[Resource.GROUP], "a consumer group: refusing.peserta-bookkeeper"),
        ("bookkeeper", WITHOUT[Resource.TRANSACTIONAL_ID], "a transactional id: refusing.peserta-bookkeeper-"),
    ],
)
def test_a_right_that_is_missing_is_named_and_the_worker_ends(
    worker: str, user: str, words: str, refusing: Book
) -> None:
    code, said = end_of(["worker", worker], refusing.of(user))
    assert words in said
    assert code == StopCode.REFUSE
    assert word(user) not in said


@pytest.mark.parametrize("worker", USERS)
def test_a_wrong_password_ends_every_worker_without_being_repeated(
    worker: str, locked: LockedKafka, refusing: Book
) -> None:
    own = refusing.of(USERS[worker])
    wrong = locked.secret(f"wrong-{worker}", "not-the-password")
    code, said = end_of(
        ["worker", worker], refusing.locked.settings(USERS[worker], **refusing.names, kafka_password_file=wrong)
    )
    assert f"does not accept the user {own.kafka_username} with the password in {wrong} (SCRAM-SHA-512)" in said
    assert code == StopCode.REFUSE
    assert "not-the-password" not in said


def test_certificates_that_either_side_does_not_accept_are_said(locked: LockedKafka, refusing: Book) -> None:
    other = Authority(locked.folder / "other", "other")
    expired = locked.authority.certificate("expired", (-3 * DAY, -DAY))
    unknown = locked.settings("recorder", **refusing.names, kafka_ca_file=other.ca_file)
    late = locked.settings(
        "recorder", **refusing.names, kafka_cert_file=expired.certificate, kafka_key_file=expired.key
    )
    with pytest.raises(Unfit, match="a certificate that is not accepted: unable to get local issuer"):
        asyncio.run(end_offsets(unknown.kafka, [refusing.of(ADMIN).topics.journal]))
    with pytest.raises(Unfit, match=f"does not accept the certificate in {expired.certificate} "):
        asyncio.run(end_offsets(late.kafka, [refusing.of(ADMIN).topics.journal]))


def test_a_reader_writes_nothing_and_reads_no_facts(refusing: Book) -> None:
    reader = refusing.of(READER)

    async def read(topic: str) -> list[Any]:
        return [record async for record in read_to_end(reader.kafka, [topic])]

    assert asyncio.run(read(reader.topics.journal)) == []
    with pytest.raises(Unfit, match=r"a topic: refusing[.]workforce[.]facts[.]v1"):
        asyncio.run(read(reader.topics.facts))
    with pytest.raises(Unfit, match="grants nothing to User:reader: ClusterAuthorizationFailedError"):
        asyncio.run(grant(reader.kafka, "User:reader", rights_of("recorder", reader)))


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_every_mechanism_with_a_password_connects(mechanism: str, refusing: Book) -> None:
    settings = refusing.locked.settings(READER, **refusing.names, kafka_mechanism=mechanism)
    assert asyncio.run(end_offsets(settings.kafka, [settings.topics.journal])) != {}


def test_a_token_is_read_for_each_connection_and_one_that_is_refused_is_said(refusing: Book) -> None:
    """aiokafka treats a refused token as accepted, and then never gets an answer."""
    token, own = refusing.locked.secret("token", unsigned_token(READER)), refusing.of(READER)
    access = KafkaAccess(str(own.kafka), "SASL_SSL", own.kafka_ca_file, mechanism="OAUTHBEARER", token_file=token)
    assert asyncio.run(end_offsets(access, [own.topics.journal])) != {}
    token.write_text("no-token-at-all", encoding="utf-8")
    with pytest.raises(Unfit, match=f"does not accept the token in {token}") as refused:
        asyncio.run(end_offsets(access, [own.topics.journal]))
    assert "no-token-at-all" not in str(refused.value)


def unsigned_token(user: str) -> str:
    """An unsigned token that is valid for one hour. Kafka's login module for development accepts it."""
    claims = {"sub": user, "iat": int(time.time()), "exp": int(time.time()) + 3600}
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def test_a_publisher_needs_the_right_to_write_facts(refusing: Book) -> None:
    fact = line_of(hire("e1", "2025-01-06")).encode()
    settings = refusing.of(ADMIN)
    publisher = rights_of("publisher", settings)
    refusing.grant(PUBLISHER, publisher)

    def publish(user: str) -> int:
        door = Door(now=lambda: 0, replay=True)
        sending = Publisher(refusing.of(user).kafka, settings.topics.facts, door)
        return asyncio.run(sending.publish([(1, fact)], lambda *_: None)).published

    assert publish(PUBLISHER) == 1
    with pytest.raises(Unfit, match=r"let this client use the cluster [(]to send, a right"):
        publish(STRANGER)


def test_a_recorder_by_the_wall_clock_asks_the_broker_for_the_time_with_its_rights(
    locked: LockedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    book = Book.at(locked, topic_prefix, tmp_path, clock="wall")
    book.open()
    with UsersService(book, tmp_path / "logs") as service:
        service.start("recorder")

        @retry(
            retry=retry_if_result(lambda ends: not any(ends.values())), wait=wait_fixed(0.1), stop=stop_after_delay(60)
        )
        def ticked() -> Offsets:
            Service.check(service)
            return asyncio.run(end_offsets(book.of(READER).kafka, [book.of(READER).topics.journal]))

        assert any(ticked().values())


@pytest.fixture
def lane_case(locked: LockedKafka, topic_prefix: str, tmp_path: Path) -> Iterator[LaneCase]:
    """A lane case whose workers have exactly the rights of their role."""
    case = LaneCase(locked.access(ADMIN), topic_prefix, tmp_path, of_workers=locked.access(LANE))
    rights = [
        Right(Resource.TOPIC, case.source, Operation.READ),
        Right(Resource.TOPIC, case.output, Operation.WRITE),
        Right(Resource.TOPIC, case.changelog, Operation.READ),
        Right(Resource.TOPIC, case.changelog, Operation.WRITE),
        Right(Resource.GROUP, case.app_id, Operation.READ, Pattern.PREFIXED),  # some of the tests use two groups
        Right(Resource.TRANSACTIONAL_ID, f"{case.app_id}-", Operation.WRITE, Pattern.PREFIXED),
    ]
    asyncio.run(grant(locked.access(ADMIN), PRINCIPAL_KIND + LANE, rights))
    yield case
    case.close()


@pytest.mark.parametrize(
    "fault",
    [
        test_append_lane.test_after_kill_9_records_may_repeat_but_none_is_missing_or_out_of_order,
        test_transactional_lane.test_kill_9_in_the_middle_leaves_no_repeat_and_no_loss,
        test_transactional_lane.test_a_predecessor_that_still_believes_to_own_a_partition_dies_at_its_next_batch,
        test_transactional_lane.test_a_record_that_the_broker_refuses_stops_the_worker_and_nothing_of_its_batch_is_seen,
    ],
    ids=lambda fault: fault.__name__.removeprefix("test_"),
)
async def test_the_lane_holds_behind_locks(fault: Callable[[LaneCase], Awaitable[None]], lane_case: LaneCase) -> None:
    await fault(lane_case)
