"""Latency under a steady flow, and the pause of a rebalance under load."""

import asyncio
import time
from typing import Final

from tests.bench.filling import fill
from tests.bench.place import Place
from tests.bench.service.book import Book, Worker
from tests.bench.service.flow import Flow, longest, percentile
from tests.bench.service.material import Material
from tests.bench.service.worker import BOOKKEEPER, RECORDER

RATE_OF_REBALANCES: Final = 200
BEFORE_S: Final = 2.0
AFTER_S: Final = 3.0
AHEAD_S: Final = 0.5  # a fact acknowledged this short a time before a worker leaves may wait because of it
LEFT_ALONE_S: Final = 14.0  # more than the lane's session timeout of 10 s

Figures = dict[str, float]


async def latency(here: Place, partitions: int, rate: int, seconds: float) -> Figures:
    """Milliseconds from the acknowledgement of a fact until its alert can be read as committed."""
    book, workers = await _started(here, Material.without_facts(partitions))
    try:
        flow = Flow(book.settings, alerts=True)
        await flow.begin()
        await flow.run(rate, asyncio.sleep(min(seconds, 1.0)))  # warm up
        waited = await flow.run(rate, asyncio.sleep(seconds))
    finally:
        for worker in workers:
            worker.stop()
    return {"p50 ms": percentile(waited, 50), "p99 ms": percentile(waited, 99), "max ms": percentile(waited, 100)}


async def rebalance(here: Place, material: Material, standbys: int) -> Figures:
    """The longest wait of a fact, in seconds, when a second book-keeper joins, leaves in order, and is killed."""
    book, workers = await _started(here, material, standbys)
    moments: dict[str, float] = {}
    entries = sum(map(len, material.journal))

    async def during() -> None:
        await asyncio.sleep(BEFORE_S)
        for way in ("leaves", "is killed"):
            moments[f"joins before it {way}"] = time.perf_counter()
            second = await asyncio.to_thread(book.start, BOOKKEEPER, entries, standbys=standbys)
            await asyncio.to_thread(second.wait_until_ready)
            await asyncio.sleep(AFTER_S)
            moments[way] = time.perf_counter()
            await asyncio.sleep(AHEAD_S)
            await asyncio.to_thread(second.stop if way == "leaves" else second.kill)
            await asyncio.sleep(AFTER_S if way == "leaves" else LEFT_ALONE_S)

    try:
        flow = Flow(book.settings, alerts=False)
        await flow.begin()
        waited = await flow.run(RATE_OF_REBALANCES, during())
    finally:
        for worker in workers:
            worker.stop()
    ends = [*list(moments.values())[1:], time.perf_counter()]
    paused = {name: longest(waited, at, end) for (name, at), end in zip(moments.items(), ends, strict=True)}
    joins = [paused.pop(f"joins before it {way}") for way in ("leaves", "is killed")]
    return {"joins": max(joins), **paused}


async def _started(here: Place, material: Material, standbys: int = 0) -> tuple[Book, list[Worker]]:
    """Start recorder and book-keeper, and wait until they have processed the material."""
    book, entries = Book(here, material), sum(map(len, material.journal))
    await book.create()
    topics = book.settings.topics
    # The recorder must write the journal: a book skips facts from source offsets that it has already seen.
    await fill(book.kafka, topics.policies, material.policies)
    await fill(book.kafka, topics.facts, material.inbound)
    workers = [book.start(RECORDER, 1), book.start(BOOKKEEPER, entries, standbys=standbys)]
    for worker in workers:
        worker.wait_until_ready()
    if entries:
        workers[1].wait_until_reached()
    return book, workers
