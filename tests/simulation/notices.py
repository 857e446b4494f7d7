"""The notifier on a store, alerts, receivers and a clock in memory, killed at any await; and the judgement of a run.

A kill is not an exception: from that moment nothing that the process does has an effect, and the next process begins
with what was stored. The clock jumps ten minutes whenever no alert comes, so that three days of attempts pass at once.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from schemas.dates import DAY_MS
from schemas.notices import ALERT, FATES, SUPERSEDED, Message, Notice, Order, Position, Taken, alert_notice_id
from schemas.records import Alert, Instant
from schemas.subscriptions import FIRING, RESOLVED, Subscription
from sinks.notices.desk import Reference
from sinks.notices.notifier import Notifier
from sinks.notices.ports import CommittedAlert
from sinks.notices.retrying import Answer
from tests.support.alerts import ON, alert, resolved

START: Final = (ON + 1) * DAY_MS
STEP_MS: Final = 10 * 60_000
OK: Final = Answer(True, "200 OK")
FAILED: Final = Answer(False, "500 Internal Server Error")
DIRECT: Final = Subscription("direct", "webhook", ("https://r.example/a",), effective_from=0)


class Dead(BaseException):
    """The process is dead; what is cleaned up after it has no effect."""


class Process:
    """One life of the notifier: it dies at the await with this number."""

    def __init__(self, dies_at: int | None) -> None:
        self.awaits, self._dies_at = 0, dies_at
        self.dead = asyncio.Event()

    async def point(self) -> None:
        """An await at which the process may die. After its death nothing returns from here."""
        if self.dead.is_set():
            raise Dead
        self.awaits += 1
        if self.awaits == self._dies_at:
            self.dead.set()
        await asyncio.sleep(0)
        if self.dead.is_set():
            await asyncio.Event().wait()


@dataclass
class World:
    """What outlives a process: topics, receivers, the clock."""

    subscriptions: dict[str, Subscription]
    topics: dict[int, list[Alert]]  # generation -> its alerts
    to_tell: list[Alert]  # the alerts that somebody must hear of
    refuses: dict[str, int] = field(default_factory=dict)  # subscription -> how many attempts fail first
    switch_after: int = 1 << 30  # this many alerts of the first generation are taken before the second is current
    stored: dict[str, bytes] = field(default_factory=dict)
    position: Position | None = None
    now: Instant = START
    received: list[tuple[str, Message]] = field(default_factory=list)
    fates_at_reception: list[tuple[Notice, str | None]] = field(default_factory=list)

    def clock(self) -> Instant:
        return self.now


class StoreInMemory:
    """Sets `done` when everything has its fate."""

    def __init__(self, world: World, process: Process, done: asyncio.Event) -> None:
        self._world, self._process, self._done = world, process, done

    async def begin(self) -> tuple[list[Notice], Position | None]:
        await self._process.point()
        self._look()
        return [Notice.decode(value) for value in self._world.stored.values()], self._world.position

    async def commit(self, notices: Iterable[Notice], position: Position | None) -> None:
        await self._process.point()
        self._world.stored |= {one.notice_id: one.encode() for one in notices}
        if position is not None:
            self._world.position = Position.decode(position.encode())
        await self._process.point()
        self._look()

    def _look(self) -> None:
        if is_done(self._world):
            self._done.set()


class FeedInMemory:
    def __init__(self, world: World, process: Process) -> None:
        self._world, self._process = world, process
        self._at = Position()
        self.reference = Reference(world.subscriptions, {}, {}, set())

    async def begin(self, position: Position | None) -> Position:
        await self._process.point()
        self._at = position or Position()
        self._next = self._at.partitions.get(0, Taken()).next_alert
        return self._at

    async def alerts(self) -> Sequence[CommittedAlert]:
        await self._process.point()
        topic = self._world.topics[self._at.generation]
        end = self._next + 2 if self._at.generation == 2 else min(self._next + 2, self._world.switch_after)
        batch = [CommittedAlert(0, n, START, topic[n]) for n in range(self._next, min(end, len(topic)))]
        self._next += len(batch)
        if not batch:
            self._world.now += STEP_MS
        return batch

    async def refresh(self) -> Sequence[Order]:
        await self._process.point()
        return ()

    async def switch(self, position: Position) -> Position | None:
        await self._process.point()
        taken = position.partitions.get(0, Taken())
        if 2 not in self._world.topics or position.generation == 2 or taken.next_alert < self._world.switch_after:
            return None
        self._at, self._next = replace(position, generation=2), 0
        return Position(2, {0: Taken(0, taken.journal_offset, skip_through=taken.journal_offset)})


class Receiver:
    """Writes down what comes, and what was stored about it at that moment."""

    def __init__(self, world: World, process: Process) -> None:
        self._world, self._process = world, process

    resend_after_s: int | None = None
    sends_at_once = 8

    async def close(self) -> None: ...

    async def send(self, subscription: Subscription, notice: Notice, to: Sequence[str], now: Instant) -> Answer:
        await self._process.point()
        world = self._world
        assert notice.message is not None
        world.received.append((notice.notice_id, notice.message))
        stored = world.stored.get(alert_notice_id(notice.subscription_id, notice.alert_id or "", FIRING))
        world.fates_at_reception.append((notice, Notice.decode(stored).state if stored else None))
        await self._process.point()
        left = world.refuses.get(subscription.subscription_id, 0)
        if left:
            world.refuses[subscription.subscription_id] = left - 1
            return FAILED
        return OK


class NoMetrics:
    def attempted(self, channel: str, answer: Answer, seconds: float) -> None: ...

    def changed(self, channel: str, notice: Notice) -> None: ...

    def round_ended(self, waiting: int) -> None: ...


def compose(message: Message) -> Message:
    said = " ".join(f"{one.alert['alert_id']}/{one.alert['status']}" for one in message.alerts)
    return replace(message, subject=message.kind, text=f"{said}{' never sent' if message.superseding else ''}")


def is_done(world: World) -> bool:
    """Whether all alerts were taken and all notices have their fate."""
    last = max(world.topics)
    taken = world.position.partitions.get(0, Taken()) if world.position else Taken()
    all_taken = (
        world.position is not None and world.position.generation == last and taken.next_alert == len(world.topics[last])
    )
    return all_taken and all(Notice.decode(value).state in FATES for value in world.stored.values())


async def live(world: World, dies_at: int | None, make: type[Notifier] = Notifier) -> int:
    """One life: until everything is done, or until death. Returns the number of awaits that it lived through."""
    process, stop = Process(dies_at), asyncio.Event()
    notifier = make(
        StoreInMemory(world, process, stop),
        FeedInMemory(world, process),
        {"webhook": Receiver(world, process)},
        compose,
        NoMetrics(),
        now=world.clock,
        stop_limit_s=0.0,
    )
    running = asyncio.create_task(notifier.run(stop))

    dying = asyncio.create_task(process.dead.wait())
    await asyncio.wait({running, dying}, return_when=asyncio.FIRST_COMPLETED)
    if process.dead.is_set():
        running.cancel()
    with suppress(asyncio.CancelledError, Dead):
        await running
    dying.cancel()
    return process.awaits


def story() -> list[Alert]:
    """Two companies whose episodes overlap, and one that begins again."""
    return [
        alert("C1", offset=1),
        alert("C2", offset=1),
        resolved("C1", offset=4),
        alert("C1", 2, offset=6),
        resolved("C2", offset=7),
    ]


def wrong(world: World) -> list[str]:
    """What a run did wrong, in sentences; empty if nothing."""
    found: list[str] = []
    stored = {name: Notice.decode(value) for name, value in world.stored.items()}
    for name, subscription in world.subscriptions.items():
        for one in world.to_tell:
            notice = stored.get(alert_notice_id(name, one.alert_id, one.status))
            if subscription.statuses is not None and one.status not in subscription.statuses:
                continue
            if notice is None:
                found.append(f"{one.alert_id}/{one.status} was never told to {name}")
            elif notice.state not in FATES:
                found.append(f"{notice.notice_id} has no fate")
    to_tell = {(one.alert_id, one.status) for one in world.to_tell}
    found += [
        f"{one.notice_id} was told, and belongs to the past of a new generation"
        for one in stored.values()
        if one.kind == ALERT and (one.alert_id, one.status) not in to_tell
    ]
    contents: dict[str, set[str]] = defaultdict(set)
    for notice_id, message in world.received:
        contents[notice_id].add(message.text)
    found += [f"{notice_id} came with other content" for notice_id, texts in contents.items() if len(texts) > 1]
    for notice, firing in world.fates_at_reception:
        if notice.kind == ALERT and notice.status == RESOLVED and firing is not None and firing not in FATES:
            found.append(f"{notice.notice_id} was sent before its firing had ended")
    digested = {item for one in stored.values() if one.message and one.kind != ALERT for item in one.items}
    for notice in stored.values():
        was_received = notice.notice_id in contents or notice.notice_id in digested
        if notice.state == "delivered" and not was_received:
            found.append(f"{notice.notice_id} is stored as delivered, and nobody received it")
        if notice.state == SUPERSEDED and notice.notice_id in contents and not world.refuses:
            found.append(f"{notice.notice_id} was sent, and is stored as superseded")
    return found


def repeats(world: World) -> int:
    """How many receptions were repeats of a notice."""
    return sum(count - 1 for count in Counter(notice_id for notice_id, _ in world.received).values())
