"""Why brokers turn a client away, in a sentence: aiokafka logs it and goes on trying, or says only that nobody answers.

A sentence names files, users, topics and groups; it quotes no secret.
"""

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from aiokafka.conn import create_conn  # type: ignore[import-untyped]
from aiokafka.errors import (  # type: ignore[import-untyped]
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest  # type: ignore[import-untyped]

from schemas.kafka.access import ENCRYPTED, PLAINTEXT, SSL, Brokers, KafkaAccess, access_of
from schemas.kafka.client import client_options
from schemas.secret_file import SecretFault, not_accepted

CONNECT_LIMIT_S: Final = 10.0
CLOSED_MAX: Final = 3
CLOSED_PAUSE_S: Final = 0.5
ALERT_LIMIT_S: Final = 1.0  # a broker that wants another certificate says so right behind the handshake
NO_HELP: Final = "Starting again does not help."

# What an access list forbids -> what it is a right to.
_FORBIDDEN: Final = {
    TopicAuthorizationFailedError: "a topic",
    GroupAuthorizationFailedError: "a consumer group",
    TransactionalIdAuthorizationFailed: "a transactional id",
    ClusterAuthorizationFailedError: "the cluster (to send, a right to write to some topic is enough)",
}
FORBIDDEN: Final = tuple(_FORBIDDEN)


class _Closed(KafkaConnectionError):  # type: ignore[misc]
    """The broker takes connections, and closes them at the first question."""


class TurnedAway(Exception):
    """The brokers do not take this client, however often it comes; the text is a sentence that says why."""


def forbidden(error: BaseException | None, of: str = "") -> str | None:
    """A sentence when an access list of the brokers is behind this error, else None; `of` names what was asked for."""
    while error is not None:
        for kind, what in _FORBIDDEN.items():
            if isinstance(error, kind):
                return _forbidden(what, of or _named(error))
        error = error.__cause__ or error.__context__
    return None


def forbidden_topics(names: list[str]) -> str:
    """The sentence for topics that an access list hides."""
    return _forbidden("topics" if len(names) > 1 else "a topic", ", ".join(names))


def _forbidden(what: str, names: str) -> str:
    return (
        f"Kafka's access lists (ACLs) do not let this client use {what}{f': {names}' if names else ''}. "
        f"`peserta topics acls` prints what each role needs. {NO_HELP}"
    )


def _named(error: BaseException) -> str:
    """What aiokafka gives the error beside its own words: a topic, topics, a group or an id."""
    words = error.args[0] if error.args else ""
    if isinstance(words, set | frozenset | list | tuple):
        return ", ".join(sorted(map(str, words)))
    return str(words)


async def turned_away(brokers: Brokers) -> TurnedAway | None:
    """Why the first broker that answers does not take this client; None when it does, or none answers.

    Raises SecretFault. Connects once to each broker, so ask after a connection has failed. A plain connection is never
    turned away with a reason.
    """
    access = access_of(brokers)
    if access.security == PLAINTEXT:
        return None
    options = client_options(access)
    for server in options.pop("bootstrap_servers").split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                if access.security in ENCRYPTED:
                    await _shake_hands(host.strip("[]"), int(port), options["ssl_context"])
                await _ask(host.strip("[]"), int(port), options)
        except SecretFault:
            raise
        except (OSError, KafkaError, TimeoutError) as error:
            if sentence := _sentence(server, access, error):
                return TurnedAway(sentence)
        else:
            return None
    return None


def turned_away_now(brokers: Brokers) -> TurnedAway | None:
    """The same, for callers that cannot await, inside an event loop or not."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(turned_away(brokers))).result()


async def _ask(host: str, port: int, options: dict[str, Any]) -> None:
    """Connect, and ask something. Raises _Closed when the broker takes the connection and then closes it, or answers
    nothing, each time: to a client without a user, and to a token that it refused without aiokafka noticing."""
    for _ in range(CLOSED_MAX):
        connection = await create_conn(host, port, **options)
        try:
            answer = await connection.send(MetadataRequest([]))
        except KafkaConnectionError:
            await asyncio.sleep(CLOSED_PAUSE_S)
        else:
            if answer.brokers:
                return
        finally:
            connection.close()
    raise _Closed


async def _shake_hands(host: str, port: int, context: ssl.SSLContext) -> None:
    """Raises SSLError when either side does not accept the other's certificate."""
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        async with asyncio.timeout(ALERT_LIMIT_S):
            await reader.read(1)
    except TimeoutError:
        pass  # it waits for a request
    finally:
        writer.transport.abort()


def _unwanted(access: KafkaAccess, reason: str) -> str:
    """What a broker says of this client's certificate. Java's brokers give the same reason for an old one and for one
    of another CA, and clients see no CA of theirs."""
    if access.cert_file is None:
        return f"wants a certificate of this client, and none is set ({reason}): PESERTA_KAFKA_CERT_FILE."
    return (
        f"does not accept the certificate in {access.cert_file} ({reason}): its time is over or has not begun, or it "
        f"is not from a CA that the brokers trust. `openssl x509 -in {access.cert_file} -noout -dates -issuer` "
        "shows both."
    )


def _sentence(server: str, access: KafkaAccess, error: Any) -> str | None:
    at = f"Kafka at {server}"
    if isinstance(error, ssl.SSLCertVerificationError):
        names = {"of_address": "PESERTA_KAFKA", "of_ca": "PESERTA_KAFKA_CA_FILE"}
        return f"{not_accepted(at, error, access.ca_file, **names)} {NO_HELP}"
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "no reason given").lower().replace("_", " ")
        if "certificate" not in reason:
            return f"{at} and this client do not agree on an encrypted connection: {reason}. {NO_HELP}"
        return f"{at} {_unwanted(access, reason)} {NO_HELP}"
    if isinstance(error, _Closed) and access.token_file is None and access.security == SSL:
        return f"{at} closes the connection at the first question: it may want a user (SASL). {NO_HELP}"
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"{at} does not know the SASL mechanism {access.mechanism}. {NO_HELP}"
    if isinstance(error, _Closed | SaslAuthenticationFailed | AuthenticationFailedError):
        if access.token_file is not None:
            return f"{at} does not accept the token in {access.token_file}. {NO_HELP}"
        return (
            f"{at} does not accept the user {access.username} with the password in {access.password_file} "
            f"({access.mechanism}). {NO_HELP}"
        )
    return None
