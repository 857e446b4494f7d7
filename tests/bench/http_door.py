"""The HTTP door under load, with recorder, book-keeper, sink, Kafka and ClickHouse at work on the same machine."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import cache
from itertools import count, islice
from typing import Any, Final

import httpx2

from peserta.operations.health.asking import ask
from peserta.operations.service import Service
from peserta.operations.topics import make_topics
from schemas.fact_json import line_of
from tests.bench.figures import Figures
from tests.bench.load import Load
from tests.bench.place import Place, loop, place
from tests.bench.row import Measure
from tests.support.facts import hire
from tests.support.http_process import HttpProcess, made_key
from tests.support.installation import installation
from tests.support.waiting import wait_until

BATCH: Final = 1_000  # facts in a request body
BATCHES: Final = 60
CLIENTS: Final = 4  # number of clients that post batches at the same time
SINGLE_RATE: Final = 50  # requests a second
SINGLES: Final = 500
WARM_UP: Final = 50
LINES: Final = {"Content-Type": "application/x-ndjson"}
ONE: Final = {"Content-Type": "application/json"}
Figured = dict[str, float]


def prepare(load: Load, run: str, figure: str) -> Measure:
    """`run` is one of RUNS, `figure` one of its figures. The module makes its own facts and does not use the load."""
    return _figures(run).measure(figure)


async def batches(client: httpx2.AsyncClient) -> Figured:
    """Accepted facts a second, in NDJSON bodies of BATCH facts that CLIENTS clients post at the same time."""
    lines = _hires()
    await _post_all(client, [_body(lines)])
    bodies = [_body(lines) for _ in range(BATCHES)]
    began_s = time.perf_counter()
    await _post_all(client, bodies)
    return {"facts/s": BATCH * BATCHES / (time.perf_counter() - began_s)}


async def singles(client: httpx2.AsyncClient) -> Figured:
    """Percentiles of the time from the moment at which a fact is due until its answer, in milliseconds."""
    lines = _hires()
    for _ in range(WARM_UP):
        await _post(client, next(lines), ONE, 1)
    began_s = time.perf_counter()

    async def post(number: int) -> float:
        due_s = began_s + number / SINGLE_RATE
        await asyncio.sleep(due_s - time.perf_counter())
        await _post(client, next(lines), ONE, 1)
        return time.perf_counter() - due_s

    waited_s = sorted(await asyncio.gather(*map(post, range(SINGLES))))
    return {f"p{share} ms": 1_000 * waited_s[len(waited_s) * share // 100] for share in (50, 99)}


RUNS: Final[dict[str, Callable[[httpx2.AsyncClient], Coroutine[Any, Any, Figured]]]] = {
    "batches": batches,
    "singles": singles,
}


@cache
def _figures(run: str) -> Figures:
    return Figures(lambda: loop().run(_served(place(), run)))


async def _served(here: Place, run: str) -> Figured:
    prefix = here.prefix()
    folder, name = here.folder / prefix.rstrip("."), prefix.rstrip(".")
    settings = installation(here.stack.kafka_address, here.stack.clickhouse_url, prefix, name, folder)
    await make_topics(settings)
    _, secret = await made_key(settings)
    with ExitStack() as closing:
        service = closing.enter_context(Service(settings, folder / "logs"))
        service.start()
        door = closing.enter_context(await asyncio.to_thread(HttpProcess, settings, folder / "logs" / "api.log"))
        headers = {"Authorization": f"Bearer {secret}"}
        async with httpx2.AsyncClient(base_url=door.url, headers=headers, timeout=60, trust_env=False) as client:
            await asyncio.to_thread(wait_until, lambda: all(health.ready for health in ask(settings)))
            await asyncio.to_thread(wait_until, lambda: _is_known(door, secret))
            return await RUNS[run](client)


def _is_known(door: HttpProcess, secret: str) -> bool:
    with door.client(secret) as client:
        return client.post("/v1/facts", content=b"", headers=LINES).is_success


def _hires() -> Any:
    """An endless sequence of hires of different workers in some hundred companies."""
    return (
        line_of(hire(f"e{n}", "2025-09-01", worker=f"w{n}", company=f"C{n % 97}")).encode() + b"\n" for n in count()
    )


def _body(lines: Any) -> bytes:
    return b"".join(islice(lines, BATCH))


async def _post_all(client: httpx2.AsyncClient, bodies: list[bytes]) -> None:
    left = iter(bodies)

    async def post() -> None:
        for body in left:
            await _post(client, body, LINES, BATCH)

    await asyncio.gather(*(post() for _ in range(CLIENTS)))


async def _post(client: httpx2.AsyncClient, body: bytes, headers: dict[str, str], facts: int) -> None:
    answer = await client.post("/v1/facts", content=body, headers=headers)
    if answer.status_code != 200 or answer.json()["accepted"] != facts:
        raise RuntimeError(f"{answer.status_code}: {answer.text[:200]}")
