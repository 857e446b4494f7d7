"""Readers over HTTP: companies' figures, alerts by cursor, and alerts as they come (SEMANTICS 12)."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timezone
from http import HTTPStatus
from itertools import count
from typing import Any, Final
from urllib.parse import quote

import httpx2

from peserta_client.alerts import Alert, alert_of
from peserta_client.following import FollowedAlert, Following, UnreadableAnswer
from peserta_client.retrying import Outcome, RetryPolicy

TIMEOUT_S: Final = 30.0  # for a connection, and for each part of an answer; a stream says something every 10 s
ALERTS: Final = "/v1/alerts"
STREAM: Final = "/v1/alerts/stream"
COMPANIES: Final = "/v1/companies"

Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Alerts, newest last, and the cursor behind them. `handling` has what people did about them, by alert_id.

    `more`: there is more behind this page now. `generation`: of the book; a new one comes of a rebuild.
    """

    alerts: tuple[Alert, ...]
    handling: Mapping[str, Mapping[str, Any]]
    cursor: str
    more: bool
    generation: int


class Reader:
    """Reads from the door at `url` with this `key` (role reader, officer or admin). Use it in a `with` block.

    Requests are repeated like a Publisher's. Methods raise Unavailable or Rejected.
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

    def companies(self, *, as_of: date | None = None, known_at: datetime | None = None) -> Iterator[Figures]:
        """Every company that the key may see, page by page: company_id, name, regency, kbli, figures, policies."""
        cursor: str | None = None
        while True:
            page = self._get(COMPANIES, {**_when(as_of, known_at), **_given(cursor=cursor)})
            yield from page["companies"]
            if (cursor := page["cursor"]) is None:
                return

    def company(self, company_id: str, *, as_of: date | None = None, known_at: datetime | None = None) -> Figures:
        """One company. Raises Rejected with status 404 for one that is not known or not for this key."""
        return self._get(_path_of(company_id), _when(as_of, known_at))

    def alerts(
        self,
        *,
        cursor: str | None = None,
        company: str | None = None,
        policy: str | None = None,
        status: str | None = None,
        limit: int | None = None,
    ) -> AlertPage:
        """A page of alerts behind `cursor`, or the first. Go on with the page's cursor and the same filters."""
        return _page(
            self._get(ALERTS, _given(cursor=cursor, company=company, policy=policy, status=status, limit=limit))
        )

    def follow_alerts(
        self,
        *,
        cursor: str | None = None,
        company: str | None = None,
        policy: str | None = None,
        status: str | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[FollowedAlert]:
        """Alerts behind `cursor` as they come, without an end; None: from the first, "latest": only new ones.

        Lost connections are made again behind the last alert. Nothing before it comes again. `retry` limits the
        attempts without an answer; usually there is no limit.
        """
        following = Following(_given(company=company, policy=policy, status=status), cursor, retry)
        while True:
            parameters, headers = following.begun()
            outcome: Outcome
            try:
                with self._client.stream("GET", STREAM, params=parameters, headers=headers) as response:
                    outcome = response
                    if response.status_code == HTTPStatus.OK:
                        for piece in response.iter_bytes():
                            yield from following.read(piece)
                    else:
                        response.read()
            except httpx2.TransportError as error:
                outcome = error
            self._pause(following.pause_s(outcome))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _get(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        for attempt in count(1):
            outcome: Outcome
            try:
                outcome = self._client.get(path, params=parameters)
            except httpx2.TransportError as error:
                outcome = error
            delay_s = self._retry.next_s(attempt, outcome, random.random(), datetime.now(timezone.utc))
            if delay_s is None and isinstance(outcome, httpx2.Response):
                return _fields(outcome)
            self._pause(delay_s or 0.0)
        raise AssertionError("attempts have a limit")

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncReader:
    """Reader for asyncio. Use it in an `async with` block, or call `close`."""

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

    async def companies(self, *, as_of: date | None = None, known_at: datetime | None = None) -> AsyncIterator[Figures]:
        """See Reader."""
        cursor: str | None = None
        while True:
            page = await self._get(COMPANIES, {**_when(as_of, known_at), **_given(cursor=cursor)})
            for company in page["companies"]:
                yield company
            if (cursor := page["cursor"]) is None:
                return

    async def company(self, company_id: str, *, as_of: date | None = None, known_at: datetime | None = None) -> Figures:
        """See Reader."""
        return await self._get(_path_of(company_id), _when(as_of, known_at))

    async def alerts(
        self,
        *,
        cursor: str | None = None,
        company: str | None = None,
        policy: str | None = None,
        status: str | None = None,
        limit: int | None = None,
    ) -> AlertPage:
        """See Reader."""
        given = _given(cursor=cursor, company=company, policy=policy, status=status, limit=limit)
        return _page(await self._get(ALERTS, given))

    async def follow_alerts(
        self,
        *,
        cursor: str | None = None,
        company: str | None = None,
        policy: str | None = None,
        status: str | None = None,
        retry: RetryPolicy | None = None,
    ) -> AsyncGenerator[FollowedAlert, None]:
        """See Reader. Close the iterator (`contextlib.aclosing`) when it is not read to its end."""
        following = Following(_given(company=company, policy=policy, status=status), cursor, retry)
        while True:
            parameters, headers = following.begun()
            outcome: Outcome
            try:
                async with self._client.stream("GET", STREAM, params=parameters, headers=headers) as response:
                    outcome = response
                    if response.status_code == HTTPStatus.OK:
                        async for piece in response.aiter_bytes():
                            for followed in following.read(piece):
                                yield followed
                    else:
                        await response.aread()
            except httpx2.TransportError as error:
                outcome = error
            await self._pause(following.pause_s(outcome))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _get(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        for attempt in count(1):
            outcome: Outcome
            try:
                outcome = await self._client.get(path, params=parameters)
            except httpx2.TransportError as error:
                outcome = error
            delay_s = self._retry.next_s(attempt, outcome, random.random(), datetime.now(timezone.utc))
            if delay_s is None and isinstance(outcome, httpx2.Response):
                return _fields(outcome)
            await self._pause(delay_s or 0.0)
        raise AssertionError("attempts have a limit")

    async def __aenter__(self) -> "AsyncReader":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _options(url: str, key: str) -> dict[str, Any]:
    return {"base_url": url, "headers": {"Authorization": f"Bearer {key}"}, "timeout": TIMEOUT_S}


def _path_of(company_id: str) -> str:
    return f"{COMPANIES}/{quote(company_id, safe='/')}"


def _given(**parameters: object) -> dict[str, str]:
    return {name: str(value) for name, value in parameters.items() if value is not None}


def _when(as_of: date | None, known_at: datetime | None) -> dict[str, str]:
    if known_at is not None and known_at.tzinfo is None:
        raise ValueError("known_at must have a time zone")
    return _given(as_of=as_of, known_at=None if known_at is None else known_at.isoformat())


def _fields(response: httpx2.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UnreadableAnswer("The answer is not one of Peserta's door: is the URL right?")
    return found


def _page(found: dict[str, Any]) -> AlertPage:
    try:
        alerts = tuple(alert_of(one) for one in found["alerts"])
        handling = {one["alert_id"]: one["handling"] for one in found["alerts"] if one.get("handling")}
        return AlertPage(alerts, handling, found["cursor"], found["more"], found["generation"])
    except (KeyError, TypeError, AttributeError):
        raise UnreadableAnswer("The answer is not one of Peserta's door: is the URL right?") from None
