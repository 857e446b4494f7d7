"""HTTP for channels: one guarded POST, its answer in words, and a limit on everything that a receiver can do to it."""

import asyncio
import email.utils
import os
import re
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from schemas.dates import EPOCH
from schemas.records import Instant
from schemas.secret_file import ssl_context_of
from schemas.subscriptions import SUBSCRIPTIONS_MAX
from sinks.notices.channels.channel import failed
from sinks.notices.channels.settings import ChannelSettings
from sinks.notices.guard import NOT_PUBLIC, UNREADABLE, Judge, Target, WrongUrl, guarded_socket, is_public, target
from sinks.notices.retrying import SECOND_MS, Answer

GONE: Final = 410
SECONDS: Final = re.compile(r"\d{1,9}", re.ASCII)
OF_EVERY_REQUEST: Final = {"User-Agent": "Peserta", "Accept-Encoding": "identity"}


class Resolver(AbstractResolver):
    """The operating system's names, in threads of its own: a name server that hangs holds up one subscription."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(SUBSCRIPTIONS_MAX, "resolving")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        ask = partial(
            socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return [
            ResolveResult(
                hostname=host,
                host=str(where[0]),
                port=int(where[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, protocol, _, where in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Http:
    """POST to receivers that may be anybody. Each attempt has a connection of its own.

    There are two sessions: one connects to public addresses only, the other is for hosts that the operator allows.
    """

    def __init__(
        self, settings: ChannelSettings, *, resolver: AbstractResolver | None = None, judge: Judge = is_public
    ) -> None:
        self._settings = settings
        self._resolver = resolver
        self._judge = judge
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], now: Instant) -> Answer:
        """One attempt. What the receiver says beyond its status and Retry-After is not used."""
        try:
            aimed = target(url, self._settings.allowed_hosts)
            session, where = self._session(aimed), _where(aimed)
        except WrongUrl as wrong:
            return failed(str(wrong))
        try:
            async with asyncio.timeout(self._settings.attempt_s):
                response = await session.post(
                    where, data=body, headers={**OF_EVERY_REQUEST, **headers}, allow_redirects=False
                )
        except TimeoutError:
            return failed(f"no answer within {self._settings.attempt_s:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return failed(words_of(error))
        try:
            await self._hear_out(response)
        finally:
            response.close()
        return self._answer(response.status, response.headers.get("Retry-After"), now)

    async def _hear_out(self, response: aiohttp.ClientResponse) -> None:
        """Let the receiver finish a short answer, so that it does not see a connection cut. The status is known."""
        left = self._settings.answer_bytes_max
        try:
            async with asyncio.timeout(self._settings.answer_s):
                while left > 0 and (read := await response.content.read(left)):
                    left -= len(read)
        except (TimeoutError, aiohttp.ClientError, OSError):
            return

    def _answer(self, status: int, retry_after: str | None, now: Instant) -> Answer:
        words = f"answered {status}"
        if 200 <= status < 300:
            return Answer(True, words)
        if 300 <= status < 400:
            return failed(f"{words}: redirects are not followed; the subscription must name the final URL")
        if status == GONE:
            return Answer(False, f"{words}: it wants nothing more", gone=True)
        wait_s = min(_wait_s(retry_after, now), self._settings.retry_after_s_max)
        return Answer(False, words, retry_after_ms=wait_s * SECOND_MS or None)

    def _session(self, aimed: Target) -> aiohttp.ClientSession:
        """The session for the target; made on first use, because it belongs to the running loop."""
        if aimed.is_allowed not in self._sessions:
            connector = aiohttp.TCPConnector(
                limit=0,  # slow receivers must not use up all places; the notifier limits what is under way
                force_close=True,
                use_dns_cache=False,
                resolver=self._resolver or Resolver(),
                ssl=ssl_context_of(self._settings.ca_file),
                socket_factory=None if aimed.is_allowed else guarded_socket(self._judge),
            )
            self._sessions[aimed.is_allowed] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=self._settings.connect_s),
            )
        return self._sessions[aimed.is_allowed]

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()


def _where(aimed: Target) -> URL:
    """The URL as aiohttp understands it, which must be as the guard understood it. Raises WrongUrl."""
    try:
        found = URL(aimed.url)
    except ValueError:
        raise WrongUrl(UNREADABLE) from None
    if aimed.is_allowed and (found.host or "").rstrip(".") != aimed.host:
        raise WrongUrl("the URL can be read in two ways")
    return found


def _wait_s(retry_after: str | None, now: Instant) -> int:
    """Seconds that a Retry-After asks for, from seconds or an HTTP date; 0 without one, or for one without sense."""
    text = (retry_after or "").strip()
    if SECONDS.fullmatch(text):
        return int(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
        then = round((at - EPOCH).total_seconds())
    except (ValueError, TypeError, OverflowError):  # TypeError: a date without a zone
        return 0
    return max(0, then - now // SECOND_MS)


def words_of(error: Exception) -> str:
    """What went wrong on the way, without the receiver's name, address or words."""
    if isinstance(error, aiohttp.InvalidURL):
        return UNREADABLE
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the receiver's TLS certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the receiver's name cannot be resolved"
    if isinstance(error, aiohttp.ClientConnectorError) and NOT_PUBLIC in str(error.os_error):
        return NOT_PUBLIC
    if isinstance(error, aiohttp.ClientSSLError):
        return "no TLS connection with the receiver"
    if isinstance(error, aiohttp.ClientConnectorError):
        code = error.os_error.errno
        return f"no connection to the receiver: {os.strerror(code) if code else 'refused'}"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        return "the receiver cut the connection before it answered"
    return f"the receiver's answer is no HTTP ({type(error).__name__})"
