"""The notifier: alerts -> notices -> receivers -> outcomes, with one writer.

Everything that changes a notice goes through one loop. A round takes what has come (alerts, outcomes of attempts,
requests by hand, the time), works out the changes, stores them in one transaction together with the position in the
alerts, and only then begins new attempts. If storing fails, the process ends, and the next one makes the same state
again from what was stored. So a crash can repeat an attempt, and nothing else.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from schemas.kafka.ending import end
from schemas.notices import DELIVERED, Message, Notice, Order, Position, Taken
from schemas.records import Instant
from schemas.subscriptions import COMPLIANCE_TEAM, Subscription
from sinks.notices.channels.channel import Channel
from sinks.notices.desk import Desk
from sinks.notices.faults import UnreadableNotice
from sinks.notices.outbox import Outbox
from sinks.notices.ports import CommittedAlert, Feed, Metrics, Store
from sinks.notices.recipients import recipients
from sinks.notices.retrying import Answer
from sinks.notices.shelf import Shelf

ITEMS_PER_ROUND_MAX: Final = 500
TICK_S: Final = 1.0  # how late the time of a digest, an order or a reminder may be noticed
STOP_LIMIT_S: Final = 5.0  # for attempts under way when the notifier is stopped; later they are repeated

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Outcome:
    notice_id: str
    answer: Answer


def wall_ms() -> Instant:
    return time.time_ns() // 1_000_000


class Notifier:
    """One leading notifier. Call `run`; it returns when `stop` is set."""

    def __init__(
        self,
        store: Store,
        feed: Feed,
        channels: Mapping[str, Channel],
        compose: Callable[[Message], Message],
        metrics: Metrics,
        *,
        now: Callable[[], Instant] = wall_ms,
        stop_limit_s: float = STOP_LIMIT_S,
    ) -> None:
        self._store, self._feed, self._channels, self._metrics, self._now = store, feed, channels, metrics, now
        self._stop_limit_s = stop_limit_s
        self.shelf = Shelf()
        self._outbox = Outbox(self.shelf)
        self._desk = Desk(self.shelf, feed.reference, compose)
        self._position = Position()
        self._outcomes: asyncio.Queue[_Outcome] = asyncio.Queue()
        self._attempts: dict[asyncio.Task[None], str] = {}  # attempt -> subscription
        self._doubtful: set[str] = set()  # subscriptions whose last attempt failed: they get one attempt at a time
        self._orders: list[Order] = []
        self._resent_at_s: dict[str, float] = {}
        self._woken = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Take alerts and send notices until `stop` is set. Raises what the store and the feed raise."""
        stored, position = await self._store.begin()
        self._take_over(stored)
        self._position = await self._feed.begin(position)
        reading = asyncio.create_task(self._feed.alerts())
        try:
            while not stop.is_set():
                has_read = reading.done()
                await self._round(reading.result() if has_read else None)
                if has_read:
                    reading = asyncio.create_task(self._feed.alerts())
                await self._wait(reading, stop)
        finally:
            await end(reading)
            if not reading.cancelled():
                reading.result()
            await self._end_attempts()

    async def _wait(self, reading: "asyncio.Task[Sequence[CommittedAlert]]", stop: asyncio.Event) -> None:
        """Until there is something to do, at most TICK_S."""
        waits = [asyncio.ensure_future(self._woken.wait()), asyncio.ensure_future(stop.wait())]
        await asyncio.wait({reading, *waits}, timeout=self._pause_s(), return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
        self._woken.clear()

    def _pause_s(self) -> float:
        now = self._now()
        dues = (
            self._outbox.next_at(one, now) for one in self._desk.reference.subscriptions.values() if self._has_room(one)
        )
        soonest = min((due for due in dues if due is not None), default=None)
        return TICK_S if soonest is None else max(0.0, min(TICK_S, (soonest - now) / 1000))

    # ---------------------------------------------------------------- a round

    async def _round(self, alerts: Sequence[CommittedAlert] | None) -> None:
        """One round, with the alerts that were read; None while they are being read."""
        self._orders += await self._feed.refresh()
        now = self._now()
        changed: dict[str, Notice] = {}
        position = self._take_alerts(alerts or (), now, changed)
        landed = self._take_outcomes(now, changed)
        self._take_orders(now, changed)
        while ticked := self._desk.tick(now):
            self._change(ticked, changed)
        if alerts is not None and not alerts:
            position = await self._feed.switch(self._position)
        if changed or position is not None:
            await self._store.commit(changed.values(), position)
        self._position = position or self._position
        for notice in changed.values():
            self._metrics.changed(self._channel_of(notice), notice)
        for notice_id in landed:
            self._outbox.landed(notice_id)
        self._begin_attempts(now)
        self._resend()

    def _take_over(self, notices: Iterable[Notice]) -> None:
        notices = list(notices)
        self.shelf.apply(notices)
        self._outbox.apply(notices)

    def _change(self, notices: Iterable[Notice], changed: dict[str, Notice]) -> None:
        """Apply changes that this round will store. Nothing is sent before that."""
        notices = list(notices)
        self._take_over(notices)
        changed.update((notice.notice_id, notice) for notice in notices)

    def _take_alerts(
        self, alerts: Sequence[CommittedAlert], now: Instant, changed: dict[str, Notice]
    ) -> Position | None:
        if not alerts:
            return None
        partitions = dict(self._position.partitions)
        for one in alerts:
            taken = partitions.get(one.partition, Taken())
            if one.alert.journal_offset > taken.skip_through:
                self._change(self._told(one, now), changed)
            partitions[one.partition] = replace(
                taken, next_alert=one.offset + 1, journal_offset=max(taken.journal_offset, one.alert.journal_offset)
            )
        return Position(self._position.generation, partitions)

    def _told(self, one: CommittedAlert, now: Instant) -> list[Notice]:
        try:
            return self._desk.take(one.alert, one.committed_at, now)
        except ValueError as error:  # a date or number outside what the book admits
            raise UnreadableNotice(
                f"The alert in partition {one.partition}, offset {one.offset}, cannot be put into words: {error}."
            ) from error

    def _take_outcomes(self, now: Instant, changed: dict[str, Notice]) -> list[str]:
        landed: list[str] = []
        while len(landed) < ITEMS_PER_ROUND_MAX and not self._outcomes.empty():
            outcome = self._outcomes.get_nowait()
            self._change(self._outbox.end(outcome.notice_id, outcome.answer, now), changed)
            landed.append(outcome.notice_id)
        if not self._outcomes.empty():
            self._woken.set()
        return landed

    def _take_orders(self, now: Instant, changed: dict[str, Notice]) -> None:
        waiting = []
        for order in self._orders:
            notices = self._desk.order(order, now)
            if notices is None:
                waiting.append(order)  # it is being sent: once that is over
            else:
                self._change(notices, changed)
        self._orders = waiting

    # ---------------------------------------------------------------- attempts

    def _has_room(self, subscription: Subscription) -> bool:
        name = subscription.subscription_id
        under_way = sum(one == name for one in self._attempts.values())
        channel = self._channels.get(subscription.channel)
        return under_way < (1 if channel is None or name in self._doubtful else channel.sends_at_once)

    def _begin_attempts(self, now: Instant) -> None:
        waiting = 0
        for subscription in self._desk.reference.subscriptions.values():
            while self._has_room(subscription):
                notice = self._outbox.begin(subscription, now)
                if notice is None:
                    break
                self._start(self._attempt(subscription, notice), subscription)
            waiting += self.shelf.waiting_count(subscription.subscription_id)
        self._metrics.round_ended(waiting)

    def _start(self, attempt: "Awaitable[None]", subscription: Subscription) -> None:
        task = asyncio.ensure_future(attempt)
        self._attempts[task] = subscription.subscription_id
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._attempts.pop(task, None)
        self._woken.set()

    async def _attempt(self, subscription: Subscription, notice: Notice) -> None:
        answer = await self._send(subscription, notice)
        if answer.ok:
            self._doubtful.discard(subscription.subscription_id)
        else:
            self._doubtful.add(subscription.subscription_id)
        self._outcomes.put_nowait(_Outcome(notice.notice_id, answer))

    async def _send(self, subscription: Subscription, notice: Notice) -> Answer:
        started_s = time.monotonic()
        answer = await self._tried(subscription, notice)
        self._metrics.attempted(subscription.channel, answer, time.monotonic() - started_s)
        return answer

    async def _tried(self, subscription: Subscription, notice: Notice) -> Answer:
        channel, now = self._channels.get(subscription.channel), self._now()
        if channel is None:
            return Answer(False, f"this notifier has no channel {subscription.channel}")
        to = recipients(subscription, notice, self._desk.reference.companies, now)
        if not to and COMPLIANCE_TEAM in subscription.to:
            return Answer(False, "the registry has no e-mail address of the company's contacts")
        return await channel.send(subscription, notice, to, now)

    def _resend(self) -> None:
        """Tell each receiver that forgets again what is firing."""
        now_s = time.monotonic()
        for name, subscription in self._desk.reference.subscriptions.items():
            channel = self._channels.get(subscription.channel)
            if channel is None or channel.resend_after_s is None or subscription.ended_at is not None:
                continue
            if now_s - self._resent_at_s.get(name, 0.0) < channel.resend_after_s:
                continue
            self._resent_at_s[name] = now_s
            firings = [
                one
                for one in self.shelf.open_firings()
                if one.subscription_id == name and one.state == DELIVERED and one.message is not None
            ]
            if firings and self._has_room(subscription):
                self._start(self._repeat(subscription, firings), subscription)

    async def _repeat(self, subscription: Subscription, firings: Sequence[Notice]) -> None:
        for notice in firings:
            if self.shelf.is_open(notice):
                await self._send(subscription, notice)

    async def _end_attempts(self) -> None:
        """Give attempts that are under way a little time, and store what came of them."""
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=self._stop_limit_s)
        for task in list(self._attempts):
            task.cancel()
        changed: dict[str, Notice] = {}
        while self._take_outcomes(self._now(), changed):
            pass
        if changed:
            await self._store.commit(changed.values(), None)

    def _channel_of(self, notice: Notice) -> str:
        subscription = self._desk.reference.subscriptions.get(notice.subscription_id)
        return subscription.channel if subscription else "unknown"
