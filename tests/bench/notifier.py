"""The notifier under load, as a process on a real broker with a quick receiver in the process of the benchmark."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import psutil  # type: ignore[import-untyped]
from aiohttp import web
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from peserta.operations.service import NOTIFIER, Service
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from schemas.codec import OutputCodec
from schemas.kafka.client import client_options
from schemas.subscriptions import Subscription
from tests.bench.figures import Figures
from tests.bench.load import Load
from tests.bench.place import Place, loop, place
from tests.bench.row import Measure
from tests.support.alerts import alert
from tests.support.installation import installation
from tests.support.notice_topics import subscribe
from tests.support.receivers import receiving
from tests.support.waiting import wait_until

MANY: Final = 10_000  # alerts at once
WARM_UP: Final = 200
RATE: Final = 10  # alerts a second
SINGLES: Final = 300
AT: Final = 1_760_000_000_000
MIB: Final = 1 << 20
Figured = dict[str, float]


@dataclass
class Heard:
    """When each alert arrived: company id -> seconds of the performance counter."""

    at_s: dict[str, float] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: web.Request) -> web.Response:
        company_id = request.headers["webhook-id"].split("/")[1]
        self.at_s.setdefault(company_id, time.perf_counter())
        self.changed.set()
        return web.Response()

    async def reach(self, count: int) -> None:
        while len(self.at_s) < count:
            self.changed.clear()
            await self.changed.wait()


class Book:
    """Commits alerts as the book-keeper does, as far as the notifier can tell."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._topic, self._producer, self._codec = settings.topics.alerts, producer, OutputCodec()
        self._offset = 0

    async def commit(self, *company_ids: str) -> None:
        sent = []
        for company_id in company_ids:
            self._offset += 1
            value = self._codec.encode_alert(alert(company_id, offset=self._offset, at=AT))
            sent.append(await self._producer.send(self._topic, value, key=company_id.encode(), partition=0))
        await asyncio.gather(*sent)


def prepare(load: Load, run: str, figure: str) -> Measure:
    """`run` is one of RUNS, `figure` one of its figures. The module makes its own alerts and does not use the load."""
    return _figures(run).measure(figure)


async def many(book: Book, heard: Heard, process: psutil.Process) -> Figured:
    """Notices a second when MANY alerts come at once to one subscription, and the process's memory after them."""
    already, began_s = len(heard.at_s), time.perf_counter()
    await book.commit(*(f"M{number}" for number in range(MANY)))
    await heard.reach(already + MANY)
    seconds = time.perf_counter() - began_s
    return {"notices/s": MANY / seconds, "MiB": process.memory_info().rss / MIB}


async def singles(book: Book, heard: Heard, process: psutil.Process) -> Figured:
    """Percentiles of the time from an alert's commit to the receiver's having it, in milliseconds, at RATE a second."""
    already, began_s = len(heard.at_s), time.perf_counter()
    committed: dict[str, float] = {}

    async def commit(number: int) -> None:
        await asyncio.sleep(began_s + number / RATE - time.perf_counter())
        await book.commit(f"S{number}")
        committed[f"S{number}"] = time.perf_counter()

    await asyncio.gather(*map(commit, range(SINGLES)))
    await heard.reach(already + SINGLES)
    waited_s = sorted(heard.at_s[name] - at_s for name, at_s in committed.items())
    return {f"p{share} ms": 1_000 * waited_s[len(waited_s) * share // 100] for share in (50, 99)}


RUNS: Final[dict[str, Callable[[Book, Heard, psutil.Process], Coroutine[Any, Any, Figured]]]] = {
    "many": many,
    "singles": singles,
}


@cache
def _figures(run: str) -> Figures:
    return Figures(lambda: loop().run(_notified(place(), run)))


async def _notified(here: Place, run: str) -> Figured:
    prefix, heard = here.prefix(), Heard()
    folder = here.folder / prefix.rstrip(".")
    async with receiving(heard) as receiver:
        made = installation(here.stack.kafka_address, here.stack.clickhouse_url, prefix, "unused", folder)
        settings = made.model_copy(update={"notice_allowed_hosts": (receiver.host,)})
        await make_topics(settings)
        await subscribe(settings, Subscription("hook", "webhook", (receiver.url,), effective_from=0))
        async with AIOKafkaProducer(**client_options(settings.kafka), acks="all") as producer:
            with Service(settings, folder / "logs") as service:
                service.start(NOTIFIER)
                process = service.processes[NOTIFIER]
                await asyncio.to_thread(wait_until, lambda: "leads: sends notices" in process.log_tail(1))
                book = Book(settings, producer)
                await book.commit(*(f"W{number}" for number in range(WARM_UP)))
                await heard.reach(WARM_UP)
                return await RUNS[run](book, heard, psutil.Process(process.pid))
