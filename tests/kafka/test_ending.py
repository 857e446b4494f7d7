"""A task that uses aiokafka ends, whatever the client does at that moment."""

import asyncio

from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped]

from schemas.kafka.client import client_options
from schemas.kafka.ending import end

LIMIT_S = 60.0


async def test_a_cancellation_that_meets_a_client_which_stops_is_not_lost(kafka_address: str) -> None:
    clients: list[AIOKafkaConsumer] = []

    async def read() -> None:
        """One client after the other, as the alert feed has them."""
        while True:
            clients.append(AIOKafkaConsumer(**client_options(kafka_address)))
            try:
                await clients[-1].start()
                await clients[-1].topics()
            finally:
                await clients[-1].stop()

    task = asyncio.create_task(read())
    async with asyncio.timeout(LIMIT_S):
        while not (clients and clients[0]._fetcher and clients[0]._fetcher._closed):
            assert not task.done(), task
            await asyncio.sleep(0)
        task.cancel()  # the hazard: the client takes it for the end of a task of its own, and reading goes on
        while len(clients) < 3:
            assert not task.done(), task
            await asyncio.sleep(0)
        await end(task)
    assert task.cancelled()


async def test_a_task_is_told_again_until_it_has_ended() -> None:
    told = 0

    async def deaf() -> str:
        nonlocal told
        while told < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                told += 1
        return "over"

    tasks = asyncio.create_task(deaf()), asyncio.create_task(asyncio.sleep(0))
    await asyncio.sleep(0)
    await end(*tasks)
    assert (told, tasks[0].result(), tasks[1].done()) == (2, "over", True)
