"""Several processes move one table at once, in any order of their statements, killed anywhere, while sinks write."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack
from random import Random
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from sinks.clickhouse import moving
from sinks.clickhouse.buckets import BITS
from sinks.clickhouse.migrations import migrations
from sinks.clickhouse.moving import FENCE, MoveFailedError, is_moved, move, moves
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.warehouse import Warehouse
from tests.support.held_source import HeldSource, held_source
from tests.support.sink_database import Database

ORDERS = 3
PROCESSES = 3
LOOKS = 15
REFUSED = 469
OLD = [1, 2, 1 << BITS]
# What a sink of before and one of this version write alike: a row with an offset.
WRITES = {
    "ledger_lines": "INSERT INTO ledger_lines (company_id, partition, offset, recorded_at, value_on, quantity) "
    "SELECT 'C', 0, number, '2025-09-01 00:00:00', '2025-09-01', 1 FROM ",
    "ledger_entries": "INSERT INTO ledger_entries (company_id, partition, offset, recorded_at) "
    "SELECT 'C', 0, number, '2025-09-01 00:00:00' FROM ",
}
STATEMENTS = [statement for migration in migrations() for statement in migration.statements(None)]
MOVES = {asked.old: asked for asked in moves("\n".join(STATEMENTS))}


class Moved(Database):
    """A database with the old form of a table alone."""

    def __init__(self, warehouse: Warehouse, table: str) -> None:
        super().__init__(warehouse)
        self.asked, self.write = MOVES[table], WRITES[table]
        self.make_old, self.make_new = (
            next(text for text in STATEMENTS if f"CREATE TABLE IF NOT EXISTS {name} " in text)
            for name in (self.asked.old, self.asked.new)
        )

    async def offsets(self) -> list[int]:
        found = await self.rows(f"SELECT DISTINCT offset FROM {self.asked.old} ORDER BY offset")
        return [row["offset"] for row in found]

    async def layout(self) -> str:
        return str(await self.value(f"SHOW CREATE TABLE {self.asked.old}"))


@pytest.fixture(params=WRITES)
async def database(
    request: pytest.FixtureRequest, clickhouse_url: str, clickhouse_database: str
) -> AsyncIterator[Moved]:
    async with await Warehouse.open(SinkSettings("", clickhouse_url, database=clickhouse_database)) as warehouse:
        await warehouse.client.command(f"CREATE DATABASE {clickhouse_database}", use_database=False)
        moved = Moved(warehouse, request.param)
        await warehouse.client.command(moved.make_old)
        yield moved


class Process:
    """One that migrates, statement by statement: each waits for its turn, or runs as soon as it may (`free`)."""

    def __init__(self, database: Moved, *, free: bool = False) -> None:
        self._database, self._client, self._free = database, database.client, free
        self._turns = asyncio.Semaphore(0)
        self._waits, self.cannot_go_on = asyncio.Event(), asyncio.Event()
        self.statement = ""  # the next one, or the one that runs
        self.task = asyncio.create_task(self._migrate())

    async def _migrate(self) -> None:
        while True:
            try:
                await self.command(self._database.make_new)
                await move(self, self._database.asked)  # type: ignore[arg-type]
            except MoveFailedError:
                continue
            return

    async def command(self, *arguments: Any, **named: Any) -> Any:
        await self._turn(arguments[0])
        return await self._client.command(*arguments, **named)

    async def query(self, *arguments: Any, **named: Any) -> Any:
        await self._turn(arguments[0])
        return await self._client.query(*arguments, **named)

    async def _turn(self, statement: str) -> None:
        self.statement = statement
        if self.looks or statement.startswith("DROP TABLE"):
            self.cannot_go_on.set()
        if not self._free:
            self._waits.set()
            await self._turns.acquire()

    @property
    def looks(self) -> bool:
        """Whether it waits for inserts to end."""
        return "system.processes" in self.statement

    async def next(self) -> None:
        """Its next statement, up to the one after it."""
        await self._stands()
        self._waits.clear()
        self._turns.release()
        await self._stands()

    async def _stands(self) -> None:
        waiting = asyncio.create_task(self._waits.wait())
        await asyncio.wait({self.task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.task.done():
            self.task.result()

    async def until(self, beginning: str) -> None:
        """Everything before its next statement that begins like this."""
        while not self.statement.startswith(beginning):
            assert not self.task.done()
            await self.next()

    def end(self) -> None:
        """Everything else, without waiting for turns."""
        self._free = True
        self.cannot_go_on.clear()
        self._turns.release()

    async def kill(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})


class Writers:
    """Sinks of before and of this version, and the rows that ClickHouse took from them."""

    def __init__(self, database: Moved, taken: Iterable[int]) -> None:
        self._client, self._insert = database.client, database.write
        self.taken, self._next = [*taken], 100
        self._held: list[tuple[HeldSource, int, asyncio.Task[None]]] = []

    async def old(self) -> None:
        """Write a row, unless that is refused."""
        self._next += 1
        await self._write(f"(SELECT {self._next} AS number)", self._next)

    async def new(self) -> None:
        """Write a row, which nothing refuses."""
        before = len(self.taken)
        await self.old()
        assert len(self.taken) == before + 1

    async def hold(self, sources: ExitStack) -> None:
        """Begin to write a row."""
        self._next += 1
        source = sources.enter_context(held_source(self._next))
        task = asyncio.create_task(self._write(source.sql, self._next))
        asked = asyncio.create_task(asyncio.to_thread(source.wait_until_asked))
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        self._held.append((source, self._next, task))

    async def release(self) -> None:
        """End what was begun."""
        for source, _, task in self._held:
            source.release()
            await task
        self._held.clear()

    async def _write(self, source: str, number: int) -> None:
        try:
            await self._client.command(self._insert + source)
        except DatabaseError as error:
            assert error.code == REFUSED
        else:
            self.taken.append(number)


async def move_in_any_order(database: Moved, rng: Random, writers: Writers, sources: ExitStack) -> None:
    """Give turns until every process has ended or is killed. What sinks of this version wrote, and what was there
    before, is there after each."""
    steady = {*writers.taken}
    processes = [Process(database) for _ in range(PROCESSES)]
    while processes:
        match rng.choices(("statement", "kill", "old", "hold", "release"), (60, 1, 4, 2, 4))[0]:
            case "statement":
                process = rng.choice(processes)
                for _ in range(rng.choice((1, 1, 5, 30))):
                    if process.looks and not rng.randrange(3):
                        await writers.release()
                    await process.next()
                    if process.task.done():
                        processes.remove(process)
                        await writers.new()
                        steady.add(writers.taken[-1])
                        break
            case "kill":
                await processes.pop(rng.randrange(len(processes))).kill()
            case "old":
                await writers.old()
            case "hold":
                await writers.hold(sources)
            case "release":
                await writers.release()
        assert steady <= {*await database.offsets()}


@pytest.mark.parametrize("seed", range(ORDERS))
async def test_nothing_that_was_taken_is_lost_in_any_order_of_statements(database: Moved, seed: int) -> None:
    rng = Random(seed)
    old = OLD if rng.randrange(3) else []
    writers = await filled(database, old)

    with ExitStack() as sources:
        await move_in_any_order(database, rng, writers, sources)
        await writers.release()
    if not await is_moved(database.client, database.asked) or await tables_left(database):
        await database.client.command(database.make_new)
        await move(database.client, database.asked)
        await writers.new()

    assert await database.offsets() == sorted(writers.taken)
    assert await tables_left(database) == []


async def tables_left(database: Moved) -> list[str]:
    found = await database.rows("SELECT name FROM system.tables WHERE database = currentDatabase()")
    return sorted({row["name"] for row in found} - {database.asked.old})


async def filled(database: Moved, old: list[int]) -> Writers:
    for number in old:
        await database.client.command(f"{database.write} (SELECT {number} AS number)")
    return Writers(database, old)


@pytest.mark.parametrize("old", [OLD, []], ids=["with rows", "empty"])
async def test_an_insert_in_flight_when_the_move_begins_is_moved(database: Moved, old: list[int]) -> None:
    writers = await filled(database, old)
    with ExitStack() as sources:
        await writers.hold(sources)
        process = Process(database, free=True)
        await process.cannot_go_on.wait()
        await writers.release()
        await process.task

    assert await database.offsets() == sorted(writers.taken) == sorted([*old, 101])
    assert FENCE not in await database.layout()


@pytest.mark.parametrize("old", [OLD, []], ids=["with rows", "empty"])
async def test_an_insert_in_flight_when_tables_are_exchanged_is_moved(database: Moved, old: list[int]) -> None:
    """Somebody let writers in again, say, on the way back to the earlier version."""
    writers = await filled(database, old)
    with ExitStack() as sources:
        process = Process(database)
        await process.until("EXCHANGE")
        await writers.old()
        assert writers.taken == old  # refused
        await database.client.command(f"ALTER TABLE {database.asked.old} DROP CONSTRAINT {FENCE}")
        await writers.hold(sources)
        await process.next()
        process.end()
        await process.cannot_go_on.wait()
        await writers.release()
        await process.task

    assert await database.offsets() == sorted(writers.taken) == sorted([*old, 102])
    assert await tables_left(database) == []


@pytest.mark.parametrize("old", [OLD, []], ids=["with rows", "empty"])
async def test_what_is_written_between_two_exchanges_is_moved(database: Moved, old: list[int]) -> None:
    """Two processes have a complete copy each, and saw the old layout just before they exchange."""
    writers = await filled(database, old)
    first, second = Process(database), Process(database)
    await first.until("EXCHANGE")
    await second.until("EXCHANGE")
    await first.next()
    await writers.old()
    await second.next()
    for process in (second, first):
        process.end()
        await process.task
        await writers.new()

    assert await database.offsets() == sorted(writers.taken) == sorted([*old, 101, 102, 103])
    assert await tables_left(database) == []


async def test_a_process_that_ended_was_the_last_to_exchange(database: Moved) -> None:
    writers = await filled(database, OLD)
    late, first = Process(database), Process(database)
    await late.until("EXCHANGE")
    first.end()
    await first.task
    await writers.new()
    await late.next()

    assert await database.offsets() == sorted(writers.taken)
    late.end()
    await late.task
    assert await database.offsets() == sorted(writers.taken)


async def test_a_table_that_another_process_made_anew_does_not_take_the_name(database: Moved) -> None:
    await filled(database, OLD)
    first, second = Process(database), Process(database)
    await second.until(f"RENAME TABLE {database.asked.new} ")
    await first.until("EXCHANGE")
    await database.client.command(database.make_new)  # a third one begins
    while not second.task.done():
        await second.next()
        assert await database.offsets() == OLD
    await first.kill()
    assert await tables_left(database) == []


async def test_a_process_that_comes_late_does_not_refuse_writers_to_the_new_table(database: Moved) -> None:
    writers = await filled(database, OLD)
    first, late = Process(database), Process(database)
    await late.until(f"ALTER TABLE {database.asked.old}")
    first.end()
    await first.task
    await late.next()
    await writers.new()
    late.end()
    await late.task
    assert FENCE not in await database.layout()


async def test_a_copy_made_after_the_move_does_not_take_the_name(database: Moved) -> None:
    """Its process saw the old layout before another process moved everything, and a third one made the table anew."""
    writers = await filled(database, OLD)
    first, late = Process(database), Process(database)
    await late.until("SELECT uuid")
    first.end()
    await first.task
    await database.client.command(database.make_new)
    while not late.task.done():
        assert not late.statement.startswith("EXCHANGE")
        if late.statement.startswith("RENAME"):
            await writers.new()
        await late.next()
    assert await database.offsets() == sorted(writers.taken)


async def test_what_is_moved_is_not_copied_again(database: Moved) -> None:
    await filled(database, OLD)
    first = Process(database, free=True)
    await first.task
    second = Process(database)
    while not second.task.done():
        assert not second.statement.startswith(("INSERT", "EXCHANGE"))
        assert "ADD CONSTRAINT" not in second.statement
        await second.next()


async def test_what_a_process_of_an_earlier_version_exchanged_back_is_moved_again(database: Moved) -> None:
    await filled(database, OLD)
    process = Process(database)
    await process.until("EXCHANGE")
    back = process.statement
    await process.next()
    await database.client.command(back)
    process.end()
    await process.task
    assert await is_moved(database.client, database.asked)
    assert await database.offsets() == OLD


async def test_an_insert_that_does_not_end_is_named(database: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "INSERTS_LIMIT_S", 0.0)
    await database.client.command(database.make_new)
    writers = await filled(database, [])
    with ExitStack() as sources:
        await writers.hold(sources)
        with pytest.raises(MoveFailedError, match=f"insert into {database.asked.old} has not ended"):
            await move(database.client, database.asked)
        await writers.release()


async def test_tables_are_exchanged_when_the_inserts_that_had_begun_have_ended(database: Moved) -> None:
    """So that readers see all the time what was taken."""
    writers = await filled(database, OLD)
    with ExitStack() as sources:
        await writers.hold(sources)
        process = Process(database)
        for _ in range(LOOKS):
            await process.next()
            assert not process.statement.startswith(("INSERT", "RENAME", "EXCHANGE"))
        await writers.release()
        while not process.task.done():
            await process.next()
            assert await database.offsets() == sorted(writers.taken) == [1, 2, 101, 1 << BITS]
