"""ClickHouse by https with a CA of one's own: the engine behind a real TLS listener, for the sink and for readers."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from deploy.embedded.stack import Stack
from peserta.cli.exit_codes import ExitCode
from peserta.intake.door import Door
from peserta.intake.publisher import Publisher
from peserta.operations.clickhouse_reading import analyst
from peserta.operations.clickhouse_writing import writing
from peserta.operations.failure import Unavailable, Unfit
from peserta.operations.topics import make_topics
from peserta.settings import Settings, read_settings
from schemas.fact_json import line_of
from streams.lane.stop_code import StopCode
from tests.chaos.detour import LOOPBACK, Detour
from tests.support.facts import hire
from tests.support.installation import RestartingService
from tests.support.locked_book import end_of
from tests.support.locks import Authority, Signed
from tests.support.waiting import wait_until

DAY: Final = timedelta(days=1)
COMMAND_LIMIT_S: Final = 90.0
PASSWORD: Final = "clickhouse-Xq7-password"
PRINT: Final = ["sql", "SELECT event_id, disposition FROM journal", "--format", "csv"]


@dataclass(frozen=True)
class Place:
    """An installation whose topics exist, the authority that it trusts, and the port of a plain ClickHouse."""

    names: dict[str, Any]
    authority: Authority
    plain_port: int

    def at(self, port: int, **changed: Any) -> Settings:
        """Settings with an https address of this port."""
        own = {"clickhouse_url": f"https://{LOOPBACK}:{port}", "clickhouse_ca_file": self.authority.ca_file}
        return read_settings(**self.names | own | changed)

    def behind(self, shown: Signed) -> Detour:
        """A TLS listener with this certificate in front of ClickHouse."""
        return Detour([self.plain_port], shown.of_server)


@pytest.fixture
def place(
    stack: Stack, kafka_address: str, clickhouse_url: str, clickhouse_database: str, topic_prefix: str, tmp_path: Path
) -> Place:
    names = {
        "kafka": kafka_address,
        "clickhouse_database": clickhouse_database,
        "topic_prefix": topic_prefix,
        "clock": "replay",
        "partitions": 2,
        "data_dir": tmp_path / "data",
    }
    asyncio.run(make_topics(read_settings(**names)))
    return Place(names, Authority(tmp_path / "certificates"), urlsplit(clickhouse_url).port or 0)


def port_of(detour: Detour) -> int:
    (port,) = detour.ports.values()
    return port


def with_password(settings: Settings, port: int, folder: Path) -> Settings:
    """The same with a user and a password."""
    password = folder / "password"
    password.touch(0o600)
    password.write_text(PASSWORD)
    changed = {"clickhouse_url": f"https://analyst@{LOOPBACK}:{port}", "clickhouse_password_file": password}
    return settings.model_copy(update=changed)


def test_the_sink_writes_and_readers_read_by_https_with_a_ca_of_ones_own(place: Place, tmp_path: Path) -> None:
    with place.behind(place.authority.certificate("clickhouse")) as front:
        settings = place.at(port_of(front))
        with RestartingService(settings, tmp_path / "logs") as service:
            service.start()
            sending = Publisher(settings.kafka, settings.topics.facts, Door(now=lambda: 0, replay=True))
            asyncio.run(sending.publish([(1, line_of(hire("e1", "2025-01-06")).encode())], lambda *_: None))
            wait_until(lambda: shown_by(settings) == [("e1", "applied")], COMMAND_LIMIT_S)
            service.check()
            assert service.restarts == 0
        printed = subprocess.run(
            [sys.executable, "-m", "peserta", *PRINT],
            env={**os.environ, **settings.environment()},
            capture_output=True,
            timeout=COMMAND_LIMIT_S,
            check=False,
        )
    assert printed.returncode == ExitCode.DONE, printed.stderr.decode()
    assert b'"e1","applied"' in printed.stdout


def shown_by(settings: Settings) -> list[tuple[str, str]]:
    try:
        with analyst(settings) as client:
            return [(one, how) for one, how in client.query("SELECT event_id, disposition FROM journal").result_rows]
    except Unavailable:
        return []  # the sink has not made the views yet


@dataclass(frozen=True)
class Fault:
    """A certificate that is not accepted, and what is said about it."""

    shown: dict[str, Any]
    words: str
    is_foreign: bool = False


FAULTS: Final = {
    "of another authority": Fault(
        {}, "unable to get local issuer certificate. PESERTA_CLICKHOUSE_CA_FILE names the CA to trust, now ", True
    ),
    "of another host": Fault(
        {"host": "clickhouse.example"},
        f"IP address mismatch, certificate is not valid for '{LOOPBACK}'. "
        "PESERTA_CLICKHOUSE_URL must name the server as its certificate does.",
    ),
    "expired": Fault({"valid": (-3 * DAY, -DAY)}, "certificate has expired. It needs a new one."),
}


@pytest.fixture(params=list(FAULTS.values()), ids=list(FAULTS))
def refused(request: pytest.FixtureRequest, place: Place, tmp_path: Path) -> Iterator[tuple[Settings, str]]:
    """Settings with a password, for a server whose certificate has a fault, and the words that must be said."""
    fault: Fault = request.param
    authority = Authority(tmp_path / "other", "other") if fault.is_foreign else place.authority
    with place.behind(authority.certificate("clickhouse", **fault.shown)) as front:
        port = port_of(front)
        words = f"ClickHouse at {LOOPBACK}:{port} shows a certificate that is not accepted: {fault.words}"
        yield with_password(place.at(port), port, tmp_path), words


def test_a_certificate_that_is_not_accepted_ends_sink_and_commands_with_one_sentence(
    refused: tuple[Settings, str],
) -> None:
    settings, words = refused
    for arguments in (["worker", "sink"], PRINT):
        code, said = end_of(arguments, settings)
        assert code == StopCode.REFUSE
        sentences = [line for line in said.splitlines() if " INFO " not in line]
        assert [line.startswith(f"peserta: {words}") for line in sentences] == [True], said
        assert PASSWORD not in said


def test_an_address_with_https_is_never_reached_by_a_plain_connection(place: Place, tmp_path: Path) -> None:
    """clickhouse-connect takes the protocol from the port when it is not told: the password would go in the clear."""
    settings = with_password(place.at(place.plain_port), place.plain_port, tmp_path)

    async def write() -> None:
        async with writing(settings):
            pass

    words = f"ClickHouse at {LOOPBACK}:{place.plain_port} does not speak TLS, but PESERTA_CLICKHOUSE_URL begins"
    with pytest.raises(Unfit, match=words), analyst(settings):
        pass
    with pytest.raises(Unfit, match=words):
        asyncio.run(write())


def test_a_password_that_is_refused_is_not_repeated(place: Place, tmp_path: Path) -> None:
    with place.behind(place.authority.certificate("clickhouse")) as front:
        settings = with_password(place.at(port_of(front)), port_of(front), tmp_path)
        for arguments, code in ((["worker", "sink"], StopCode.REFUSE), (PRINT, ExitCode.WRONG_USE)):
            ended, said = end_of(arguments, settings)
            assert "AUTHENTICATION_FAILED" in said
            assert PASSWORD not in said
            assert ended == code
