"""`GET /v1/alerts/stream`: alerts as server-sent events. A stream has a position in the log of alerts and no queue."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import Enum
from itertools import islice
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from peserta.api import parameters
from peserta.api.alerts import Filter, current, cursor_of, filter_of
from peserta.api.entrance import Entrance
from peserta.api.limits import Limits
from peserta.api.metrics import ApiMetrics
from peserta.api.problems import Problem
from peserta.operations.alert_feed import AlertFeed
from peserta.operations.alert_log import Cursor, Known
from peserta.operations.permissions import Act
from schemas.keys import Key
from schemas.public_json import stored_alert_json

EVENT_STREAM: Final = "text/event-stream"
HEADERS: Final[Mapping[str, str]] = {"X-Accel-Buffering": "no"}  # nginx would hold events back
LAST_EVENT_ID: Final = "last-event-id"
COME_BACK_MS: Final = 2_000
ALERTS_AT_ONCE: Final = 50  # what a slow reader has in memory
RETRY_S: Final = 30


class End(Enum):
    """Why a stream ends, with the comment that it ends with."""

    GONE = "the reader has gone"
    KEY = "the key is no longer valid, or that is not known"
    STOPPING = "this process stops: come back with Last-Event-ID"
    SLOW = "the reader is too slow: come back with Last-Event-ID"


class Streams:
    """The open streams of a process."""

    def __init__(self, feed: AlertFeed, entrance: Entrance, limits: Limits, metrics: ApiMetrics) -> None:
        self.feed, self.entrance, self.limits, self.metrics = feed, entrance, limits, metrics
        self.stopping, self.waiting = False, 0  # `waiting`: streams that have sent all there is
        self._of_key: Counter[str] = Counter()

    async def get(self, request: Request) -> Response:
        """A stream behind `Last-Event-ID`, else behind `cursor`, else of all alerts. Raises Problem like a page."""
        with self.entrance.entered(request, Act.READ_FIGURES) as key:
            wanted, said = filter_of(request), parameters.text(request, "cursor")
            # Last-Event-ID is later than the cursor in the URL with which a browser comes back.
            cursor = cursor_of(request.headers.get(LAST_EVENT_ID) or said, current(self.feed).alerts)
        return EventStream(self, key, wanted, cursor)

    @property
    def open(self) -> int:
        """How many streams are open."""
        return self._of_key.total()

    def end(self) -> None:
        """End all streams soon, and open no others."""
        self.stopping = True
        self.feed.wake()

    @contextmanager
    def opened(self, key: Key) -> Iterator[None]:
        """Count a stream of this key. Raises Problem if there are too many."""
        self._check_room(key)
        self._of_key[key.key_id] += 1
        self.metrics.stream_began()
        try:
            yield
        finally:
            self._of_key[key.key_id] -= 1
            self._of_key += Counter()  # forget keys without a stream

    def _check_room(self, key: Key) -> None:
        if self._of_key[key.key_id] >= self.limits.streams_of_key:
            most = self.limits.streams_of_key
            raise Problem("too-many", f"A key may have {most} streams open here.", retry_after_s=RETRY_S)
        if self.stopping or self.open >= self.limits.streams:
            raise Problem("not-now", "No further stream can be opened here now.", retry_after_s=RETRY_S)


class EventStream(Response):
    """One stream, until the reader goes, its key ends, it is too slow, or the process stops."""

    media_type = EVENT_STREAM

    def __init__(self, streams: Streams, key: Key, wanted: Filter, cursor: Cursor) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._streams, self._key, self._wanted, self._cursor = streams, key, wanted, cursor
        self._loop = asyncio.get_running_loop()
        self._sent_at_s = self._loop.time()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See Starlette's Response."""
        why = End.GONE
        with self._streams.opened(self._key):
            gone = asyncio.create_task(_gone(receive))
            try:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                why = await self._run(send, gone)
                if why is not End.GONE:
                    await self._give(send, gone, f": {why.value}\n\n", ends=True)
            finally:
                self._streams.metrics.stream_ended(why.name.lower())
                gone.cancel()
                with suppress(asyncio.CancelledError):
                    await gone

    async def _run(self, send: Send, gone: "asyncio.Task[None]") -> End:
        why = await self._give(send, gone, f"retry: {COME_BACK_MS}\n\n")
        while why is None:
            changed, limits = self._streams.feed.changed, self._streams.limits
            key = self._streams.entrance.still(self._key, Act.READ_FIGURES)
            if key is None or self._streams.stopping:
                return End.KEY if key is None else End.STOPPING
            scanned, events = self._next(key)
            if events:
                why = await self._give(send, gone, "".join(events))
            elif scanned:
                await asyncio.sleep(0)  # a long way without a wanted alert must not keep requests waiting
            else:
                why = await self._wait(gone, changed, limits.look_seconds)
                if why is None and self._loop.time() - self._sent_at_s >= limits.heartbeat_seconds:
                    why = await self._give(send, gone, ": nothing new\n\n")
        return why

    def _next(self, key: Key) -> tuple[int, list[str]]:
        """(how many alerts were looked at, the events of those that are wanted); the position moves behind them."""
        log = self._streams.feed.alerts
        self._cursor = log.placed(self._cursor)
        scanned, statuses, events = 0, [], []
        for known in islice(log.after(self._cursor, self._wanted.companies(key)), ALERTS_AT_ONCE):
            scanned += 1
            self._cursor = self._cursor.after(known)
            if self._wanted.has(known.alert):
                events.append(event(known, self._cursor))
                statuses.append(known.alert.status)
        self._streams.metrics.sent(statuses)
        return scanned, events

    async def _wait(self, gone: "asyncio.Task[None]", changed: asyncio.Event, seconds: float) -> End | None:
        waiting = asyncio.create_task(changed.wait())
        self._streams.waiting += 1
        try:
            await asyncio.wait({gone, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._streams.waiting -= 1
            waiting.cancel()
        return End.GONE if gone.done() else None

    async def _give(self, send: Send, gone: "asyncio.Task[None]", text: str, *, ends: bool = False) -> End | None:
        """Send text. The server takes it when the reader has read most of what was sent before. Returns why it was not
        taken."""
        limits, began_s = self._streams.limits, self._loop.time()
        body = {"type": "http.response.body", "body": text.encode(), "more_body": not ends}
        sending = asyncio.ensure_future(send(body))
        try:
            while True:
                await asyncio.wait({gone, sending}, timeout=limits.look_seconds, return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
                    self._sent_at_s = self._loop.time()
                    return None
                if gone.done():
                    return End.GONE
                if self._loop.time() - began_s >= limits.slow_seconds:
                    return End.SLOW
                if not ends and (why := self._why_not_on()) is not None:
                    return why
        finally:
            sending.cancel()

    def _why_not_on(self) -> End | None:
        if self._streams.stopping:
            return End.STOPPING
        return None if self._streams.entrance.still(self._key, Act.READ_FIGURES) else End.KEY


def event(known: Known, behind: Cursor) -> str:
    """An alert as a server-sent event, whose id is the cursor behind it."""
    fields = json.dumps(stored_alert_json(known.alert), sort_keys=True, separators=(",", ":"))
    return f"id: {behind.encode()}\nevent: {known.alert.status}\ndata: {fields}\n\n"


async def _gone(receive: Receive) -> None:
    """Return when the reader has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
