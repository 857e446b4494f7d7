"""A broker that knows its clients by their certificates alone (mutual TLS, no SASL). Each role has its own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from peserta.cli.exit_codes import ExitCode
from peserta.intake.door import Door
from peserta.intake.publisher import Publisher
from peserta.operations.access_rights import rights_of
from peserta.operations.failure import Unfit
from peserta.operations.kafka_reading import end_offsets, read_to_end
from schemas.codec import OutputCodec
from schemas.fact_json import line_of
from schemas.vocabulary import APPLIED
from streams.lane.stop_code import StopCode
from tests.support.facts import hire
from tests.support.locked_book import READER, USERS, Book, UsersService, end_of
from tests.support.locked_kafka import ADMIN, CertifiedKafka
from tests.support.locks import Authority

IMPORTER: Final = "importer"  # may send facts, and see what became of them
STRANGER: Final = "stranger"
COMMAND_LIMIT_S: Final = 90.0
DAY: Final = timedelta(days=1)
FACT: Final = line_of(hire("e1", "2025-01-06"))


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CertifiedKafka]:
    running = CertifiedKafka.launch(tmp_path_factory.mktemp("certified"))
    yield running
    running.kafka.stop()


@pytest.fixture(scope="module")
def book(certified: CertifiedKafka) -> Book:
    made = Book.at(certified, "certified.", certified.folder / "book", clickhouse_url="http://127.0.0.1:9")
    made.open(IMPORTER)
    return made


Fields = dict[str, Any]


def without(_: CertifiedKafka, user: str) -> Fields:
    return {"kafka_cert_file": "", "kafka_key_file": ""}


def of_another_authority(certified: CertifiedKafka, user: str) -> Fields:
    shown = Authority(certified.folder / "other", "other").certificate(user)
    return {"kafka_cert_file": shown.certificate, "kafka_key_file": shown.key}


def expired(certified: CertifiedKafka, user: str) -> Fields:
    shown = certified.authority.certificate(f"{user}-expired", (-3 * DAY, -DAY))
    return {"kafka_cert_file": shown.certificate, "kafka_key_file": shown.key}


def not_yet_valid(certified: CertifiedKafka, user: str) -> Fields:
    shown = certified.authority.certificate(f"{user}-early", (DAY, 3 * DAY))
    return {"kafka_cert_file": shown.certificate, "kafka_key_file": shown.key}


def words_about(settings: Any) -> str:
    """What a refusal must say about the certificate of these settings."""
    if settings.kafka_cert_file is None:
        return "wants a certificate of this client, and none is set"
    return f"does not accept the certificate in {settings.kafka_cert_file} "


def test_a_fact_is_published_recorded_and_posted_by_clients_with_nothing_but_certificates(
    book: Book, tmp_path: Path
) -> None:
    facts = tmp_path / "facts.ndjson"
    facts.write_text(FACT)
    with UsersService(book, tmp_path / "logs") as service:
        service.start("recorder", "bookkeeper")
        published = subprocess.run(
            [sys.executable, "-m", "peserta", "publish", str(facts)],
            env={**os.environ, **book.of(IMPORTER).environment()},
            capture_output=True,
            timeout=COMMAND_LIMIT_S,
            check=False,
        )
        service.check()
        assert service.restarts == 0
    assert published.returncode == ExitCode.DONE, published.stderr.decode()

    async def ledger() -> list[tuple[str, str]]:
        reader, codec = book.of(READER), OutputCodec()
        read = [record async for record in read_to_end(reader.kafka, [reader.topics.ledger])]
        said = map(codec.decode_ledger, (record.value for record in read))
        return [(entry.event_id, entry.disposition) for entry in said]

    assert asyncio.run(ledger()) == [("e1", APPLIED)]


@pytest.mark.parametrize("fields", [without, of_another_authority, expired, not_yet_valid])
def test_publishing_with_a_certificate_that_is_not_accepted_ends_with_one_sentence(
    fields: Callable[[CertifiedKafka, str], Fields], certified: CertifiedKafka, book: Book, tmp_path: Path
) -> None:
    facts = tmp_path / "facts.ndjson"
    facts.write_text(FACT)
    settings = certified.settings(IMPORTER, **book.names | fields(certified, IMPORTER))
    code, said = end_of(["publish", str(facts)], settings)
    assert words_about(settings) in said
    assert said.count(certified.kafka.address) == 1, said
    assert code == ExitCode.WRONG_SETTINGS
    # The command reads before it sends, so ask the producer too.
    publisher = Publisher(settings.kafka, settings.topics.facts, Door(now=lambda: 0, replay=True))
    with pytest.raises(Unfit, match=words_about(settings)):
        asyncio.run(publisher.publish([(1, FACT.encode())], lambda *_: None))


@pytest.mark.parametrize(
    ("worker", "fields"), [("recorder", expired), ("bookkeeper", without), ("sink", of_another_authority)]
)
def test_a_worker_with_a_certificate_that_is_not_accepted_refuses_to_run(
    worker: str, fields: Callable[[CertifiedKafka, str], Fields], certified: CertifiedKafka, book: Book
) -> None:
    settings = certified.settings(USERS[worker], **book.names | fields(certified, USERS[worker]))
    code, said = end_of(["worker", worker], settings)
    assert words_about(settings) in said
    assert code == StopCode.REFUSE


def test_a_certificate_is_a_user_with_the_rights_that_its_name_was_granted(book: Book) -> None:
    with pytest.raises(Unfit, match=r"a topic: certified[.]coverage[.]journal[.]v1"):
        asyncio.run(end_offsets(book.of(STRANGER).kafka, [book.of(ADMIN).topics.journal]))
    book.grant(STRANGER, rights_of(READER, book.of(ADMIN)))
    assert asyncio.run(end_offsets(book.of(STRANGER).kafka, [book.of(ADMIN).topics.journal])) != {}
