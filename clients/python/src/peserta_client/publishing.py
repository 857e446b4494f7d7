"""Publishers over HTTP: facts in batches, each repeated until the door has accepted it (SEMANTICS 12)."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from itertools import count
from typing import Any, Final

import httpx2

from peserta_client.answers import Published, PublishingFailed, published_of
from peserta_client.facts import AnyFact, Fact
from peserta_client.retrying import Outcome, RetryPolicy

BATCH_FACTS_MAX: Final = 1_000
BATCH_BYTES_MAX: Final = 4 * 1024 * 1024  # the door accepts 8 MiB
TIMEOUT_S: Final = 30.0  # for a connection, and for each part of an answer

PATH: Final = "/v1/facts"
MEDIA: Final = "application/x-ndjson"

Batch = tuple[Sequence[Fact], bytes]


def batches(facts: Iterable[Fact], facts_max: int = BATCH_FACTS_MAX) -> Iterator[Batch]:
    """(facts, their lines) of each request, in order. Facts are read from the iterable as they are needed."""
    batch: list[Fact] = []
    lines: list[bytes] = []
    size = 0
    for fact in facts:
        if not isinstance(fact, AnyFact):
            raise TypeError("a publisher sends Hire, Termination, Enrollment and Correction")
        line = f"{fact.to_json()}\n".encode()
        if batch and (len(batch) == facts_max or size + len(line) > BATCH_BYTES_MAX):
            yield tuple(batch), b"".join(lines)
            batch, lines, size = [], [], 0
        batch.append(fact)
        lines.append(line)
        size += len(line)
    if batch:
        yield tuple(batch), b"".join(lines)


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

    def publish(self, facts: Iterable[Fact]) -> Published:
        """Send facts; return their fate. All accepted ones are in Kafka.

        Raises Unavailable, Rejected or PublishingFailed, whose `published` is the fate of the batches before.
        """
        published = Published()
        for batch, body in batches(facts):
            try:
                published += published_of(self._post(body), batch)
            except PublishingFailed as error:
                error.published = published
                raise
        return published

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, body: bytes) -> httpx2.Response:
        for attempt in count(1):
            outcome = self._attempt(body)
            delay_s = self._retry.next_s(attempt, outcome, random.random(), datetime.now(timezone.utc))
            if delay_s is None and isinstance(outcome, httpx2.Response):
                return outcome
            self._pause(delay_s or 0.0)
        raise AssertionError("attempts have a limit")

    def _attempt(self, body: bytes) -> Outcome:
        try:
            return self._client.post(PATH, content=body)
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

    async def publish(self, facts: Iterable[Fact]) -> Published:
        """See Publisher."""
        published = Published()
        for batch, body in batches(facts):
            try:
                published += published_of(await self._post(body), batch)
            except PublishingFailed as error:
                error.published = published
                raise
        return published

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _post(self, body: bytes) -> httpx2.Response:
        for attempt in count(1):
            outcome = await self._attempt(body)
            delay_s = self._retry.next_s(attempt, outcome, random.random(), datetime.now(timezone.utc))
            if delay_s is None and isinstance(outcome, httpx2.Response):
                return outcome
            await self._pause(delay_s or 0.0)
        raise AssertionError("attempts have a limit")

    async def _attempt(self, body: bytes) -> Outcome:
        try:
            return await self._client.post(PATH, content=body)
        except httpx2.TransportError as error:
            return error

    async def __aenter__(self) -> "AsyncPublisher":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
