"""Publishers over HTTP: facts in batches, each repeated until the door has accepted it, and fates (SEMANTICS 12)."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from itertools import count
from typing import Any, Final
from urllib.parse import quote

import httpx2

from peserta_client.answers import Published, PublishingFailed, published_of
from peserta_client.facts import AnyFact, Fact
from peserta_client.fates import FactFate, fate_of
from peserta_client.retrying import Outcome, RetryPolicy

BATCH_FACTS_MAX: Final = 1_000
BATCH_BYTES_MAX: Final = 4 * 1024 * 1024  # the door accepts 8 MiB
WHOLE_FACTS_MAX: Final = 10_000  # of `all_or_nothing`, which is one request: the door's own limits
WHOLE_BYTES_MAX: Final = 8 * 1024 * 1024
TIMEOUT_S: Final = 30.0  # for a connection, and for each part of an answer

PATH: Final = "/v1/facts"
MEDIA: Final = "application/x-ndjson"

Batch = tuple[Sequence[Fact], bytes]


def batches(
    facts: Iterable[Fact], facts_max: int = BATCH_FACTS_MAX, bytes_max: int = BATCH_BYTES_MAX
) -> Iterator[Batch]:
    """(facts, their lines) of each request, in order. Facts are read from the iterable as they are needed."""
    batch: list[Fact] = []
    lines: list[bytes] = []
    size = 0
    for fact in facts:
        if not isinstance(fact, AnyFact):
            raise TypeError("a publisher sends Hire, Termination, Enrollment and Correction")
        line = f"{fact.to_json()}\n".encode()
        if batch and (len(batch) == facts_max or size + len(line) > bytes_max):
            yield tuple(batch), b"".join(lines)
            batch, lines, size = [], [], 0
        batch.append(fact)
        lines.append(line)
        size += len(line)
    if batch:
        yield tuple(batch), b"".join(lines)


def requests(facts: Iterable[Fact], *, all_or_nothing: bool) -> Iterator[Batch]:
    """The batches of a call. Raises ValueError, before the first, if `all_or_nothing` facts do not fit into one."""
    if not all_or_nothing:
        yield from batches(facts)
        return
    whole = batches(facts, WHOLE_FACTS_MAX, WHOLE_BYTES_MAX)
    first = next(whole, None)
    if next(whole, None) is not None:
        raise ValueError(f"all_or_nothing is one request, of at most {WHOLE_FACTS_MAX} facts and 8 MiB")
    if first is not None:
        yield first


def path_of_fate(company_id: str, event_id: str) -> str:
    """The path that asks for the fate of a fact. A company_id may contain a slash."""
    # A client would take a company_id of dots alone for a step in the path.
    company = quote(company_id, safe="").replace(".", "%2E")
    return f"{PATH}/{company}/{quote(event_id, safe='')}"


def _parameters(*, all_or_nothing: bool) -> dict[str, str]:
    return {"all_or_nothing": "true"} if all_or_nothing else {}


def _options(url: str, key: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": MEDIA}
    return {"base_url": url, "headers": headers, "timeout": TIMEOUT_S}


class Publisher:
    """Sends facts to the door at `url` with this `key`. Use it in a `with` block, or call `close`.

    Facts are sent in order. Sending a fact twice is safe, since the service counts each event_id once.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retry: RetryPolicy | None = None,
        transport: httpx2.BaseTransport | None = None,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client = httpx2.Client(transport=transport, **_options(url, key))
        self._retry, self._pause = retry or RetryPolicy(), pause

    def publish(self, facts: Iterable[Fact], *, all_or_nothing: bool = False) -> Published:
        """Send facts; return their fate. All accepted ones are in Kafka.

        With `all_or_nothing`, one refused fact means that none is published: `accepted` is 0 then, and `refused` has
        only the refused ones. Such facts go in one request: ValueError if they are too many for it.
        Raises Unavailable, Rejected or PublishingFailed, whose `published` is the fate of the batches before.
        """
        published, parameters = Published(), _parameters(all_or_nothing=all_or_nothing)
        for batch, body in requests(facts, all_or_nothing=all_or_nothing):
            try:
                answer = self._answer("POST", PATH, content=body, params=parameters)
                published += published_of(answer, batch)
            except PublishingFailed as error:
                error.published = published
                raise
        return published

    def fate(self, company_id: str, event_id: str) -> FactFate:
        """What became of a fact. One that was just accepted is `unknown` for a moment.

        Raises Unavailable, or Rejected for a key that does not allow this and for an id that no fact can have.
        """
        return fate_of(self._answer("GET", path_of_fate(company_id, event_id)))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _answer(self, method: str, path: str, **request: Any) -> httpx2.Response:
        for attempt in count(1):
            outcome = self._attempt(method, path, request)
            delay_s = self._retry.next_s(attempt, outcome, random.random(), datetime.now(timezone.utc))
            if delay_s is None and isinstance(outcome, httpx2.Response):
                return outcome
            self._pause(delay_s or 0.0)
        raise AssertionError("attempts have a limit")

    def _attempt(self, method: str, path: str, request: dict[str, Any]) -> Outcome:
        try:
            return self._client.request(method, path, **request)
        except httpx2.TransportError as error:
            return error

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncPublisher:
    """Publisher for asyncio. Use it in an `async with` block, or call `close`."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retry: RetryPolicy | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._client = httpx2.AsyncClient(transport=transport, **_options(url, key))
        self._retry, self._pause = retry or RetryPolicy(), pause

    async def publish(self, facts: Iterable[Fact], *, all_or_nothing: bool = False) -> Published:
        """See Publisher."""
        published, parameters = Published(), _parameters(all_or_nothing=all_or_nothing)
        for batch, body in requests(facts, all_or_nothing=all_or_nothing):
            try:
                answer = await self._answer("POST", PATH, content=body, params=parameters)
                published += published_of(answer, batch)
            except PublishingFailed as error:
                error.published = published
                raise
        return published

    async def fate(self, company_id: str, event_id: str) -> FactFate:
        """See Publisher."""
        return fate_of(await self._answer("GET", path_of_fate(company_id, event_id)))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _answer(self, method: str, path: str, **request: Any) -> httpx2.Response:
        for attempt in count(1):
            outcome = await self._attempt(method, path, request)
            delay_s = self._retry.next_s(attempt, outcome, random.random(), datetime.now(timezone.utc))
            if delay_s is None and isinstance(outcome, httpx2.Response):
                return outcome
            await self._pause(delay_s or 0.0)
        raise AssertionError("attempts have a limit")

    async def _attempt(self, method: str, path: str, request: dict[str, Any]) -> Outcome:
        try:
            return await self._client.request(method, path, **request)
        except httpx2.TransportError as error:
            return error

    async def __aenter__(self) -> "AsyncPublisher":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
