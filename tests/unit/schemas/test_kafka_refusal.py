"""The reasons for which a broker refuses a client, found with a listener in this process and from aiokafka's errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from aiokafka.errors import (  # type: ignore[import-untyped]
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from schemas.kafka.access import KafkaAccess
from schemas.kafka.refusal import TurnedAway, forbidden, turned_away, turned_away_now
from streams.lane.stop import LaneFault, stop_line
from streams.lane.stop_code import StopCode
from tests.support.locks import LOOPBACK, Authority, Signed

DAY: Final = timedelta(days=1)


@asynccontextmanager
async def listening(shown: Signed) -> AsyncIterator[str]:
    """A TLS listener that closes each connection after its first bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(answer, LOOPBACK, 0, ssl=shown.of_server)
    async with server:
        yield f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"


async def why(access: KafkaAccess) -> str:
    return str(await turned_away(access))


async def test_a_certificate_of_the_broker_that_has_expired_is_said(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with listening(authority.certificate("kafka", (-3 * DAY, -DAY))) as server:
        said = await why(KafkaAccess(server, "SSL", authority.ca_file))
    assert said.startswith(f"Kafka at {server} shows a certificate that is not accepted: certificate has expired. ")


async def test_a_certificate_of_an_unknown_authority_is_said_with_the_one_that_is_trusted(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    async with listening(authority.certificate("kafka")) as server:
        said = await why(KafkaAccess(server, "SSL", other.ca_file))
    assert "not accepted: unable to get local issuer certificate. PESERTA_KAFKA_CA_FILE names the CA to trust" in said
    assert str(other.ca_file) in said


async def test_a_certificate_of_another_host_is_said_with_the_setting_that_names_the_broker(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with listening(authority.certificate("kafka", host="kafka.example")) as server:
        said = await why(KafkaAccess(server, "SSL", authority.ca_file))
    assert f"not accepted: IP address mismatch, certificate is not valid for '{LOOPBACK}'. PESERTA_KAFKA must" in said


async def test_a_broker_that_only_closes_connections_is_not_called_a_refusal(tmp_path: Path) -> None:
    """The broker may be shutting down, so the client must keep trying."""
    authority = Authority(tmp_path)
    async with listening(authority.certificate("kafka")) as server:
        assert await turned_away(KafkaAccess(server, "SSL", authority.ca_file)) is None


@pytest.mark.parametrize("access", ["127.0.0.1:9", KafkaAccess("127.0.0.1:9", "SSL")], ids=["plain", "encrypted"])
async def test_nobody_is_turned_away_where_nobody_listens(access: KafkaAccess | str) -> None:
    assert await turned_away(access) is None
    assert turned_away_now(access) is None  # it also works inside an event loop


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TopicAuthorizationFailedError("facts"), "a topic: facts"),
        (TopicAuthorizationFailedError({"b", "a"}), "a topic: a, b"),
        (GroupAuthorizationFailedError("keeper"), "a consumer group: keeper"),
        (TransactionalIdAuthorizationFailed("keeper-0"), "a transactional id: keeper-0"),
    ],
)
def test_what_an_access_list_forbids_is_named_and_a_restart_does_not_help(error: Exception, words: str) -> None:
    assert f"do not let this client use {words}. " in str(forbidden(error))
    wrapped = LaneFault("not delivered")
    wrapped.__cause__ = error
    assert words in stop_line("sending", wrapped, StopCode.REFUSE)


def test_other_errors_forbid_nothing() -> None:
    assert forbidden(KafkaConnectionError("closed")) is None
    assert forbidden(TurnedAway("a sentence")) is None
