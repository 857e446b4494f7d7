"""`make bench-views`: views and questions over a large ledger, in the layout of before and of now, beside their bound.

The ledger is made in a database of an earlier version, asked, migrated, added up as the sink does, and asked again.
The bound is the plain sum of one column by company over the same lines. *Warm* is the best of several runs, *cold* the
first after the engine was started again and its files were dropped from the memory of the system. A query has 2 GiB.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import clickhouse_connect
import typer
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from rich.console import Console
from rich.progress import track
from rich.table import Table

from deploy.embedded.clickhouse.server import ClickHouse
from peserta.operations.questions_in_turn import Query as Sent
from peserta.operations.questions_in_turn import in_turn, no_turn
from peserta.operations.rates import rates_text
from peserta.operations.rates_file import read_rates
from sinks.clickhouse.migrations import migrate, migrations
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.totals import Totals
from sinks.clickhouse.warehouse import Warehouse
from sinks.questions.headers import Question, questions
from tests.bench.machine import machine
from tests.bench.views import ledger

DATABASE: Final = "views"
BEFORE: Final = "016"  # the first migration of the new layout
MEMORY: Final = 2 << 30
RUNS: Final = 3
LIMIT_S: Final = 600
WIDTH: Final = 100
RESULTS: Final = Path("var/bench/views.json")
LAST_DAY: Final = "2025-12-31"
BOUND: Final = "plain scan"
EVERYTHING: Final = "2199-12-31T23:59:59.999Z"
SOME: Final = {
    "as_of": "2025-06-30",
    "known_at": "2025-05-14T05:00:00Z",
    "from": "2023-01-01",
    "to": LAST_DAY,
    "policy": "footwear",
    "by": "regency",
    "within_days": "60",
    "turn": "0",
    "turns": "1",
    "month": "2025-06",
    "rates": rates_text(read_rates(None)),
}
# ClickHouse's codes: a view with parameters, a column or a view is not there; a query went over its memory.
NOT_THERE: Final = (46, 47, 60)
OVER_MEMORY: Final = 241
OF_WORKERS: Final = ("overdue", "overdue_workers", "to_enroll", "moves", "turnover", "time_to_cover", "freshness")
console = Console(width=WIDTH)


class Query(NamedTuple):
    """A query by name, with its parameters. `in_turn`: the question, where it is asked in turns."""

    name: str
    sql: str
    parameters: dict[str, str]
    in_turn: Question | None = None


class Cost(NamedTuple):
    """Seconds and what was read; None for what went over its memory."""

    warm_s: float | None
    cold_s: float | None
    rows: int
    megabytes: float


def queries(with_workers: bool) -> list[Query]:
    """The bound, the views, then the questions."""
    as_of = f"SELECT * FROM coverage_as_of(as_of = '2025-06-30', known_at = '{EVERYTHING}')"
    known = "SELECT * FROM coverage_as_of(as_of = '2025-06-30', known_at = '2025-05-14T05:00:00Z')"
    views = {
        BOUND: "SELECT company_id, sum(quantity) FROM ledger_lines GROUP BY company_id",
        "count() of ledger": "SELECT count() FROM ledger",
        "coverage_current": "SELECT * FROM coverage_current",
        "policy_status": "SELECT * FROM policy_status",
        "coverage_as_of, all": as_of,
        "coverage_as_of, all, known in May": known,
        "coverage_as_of, one company": f"{as_of} WHERE company_id = 'C00008'",
        "coverage_daily, one date": "SELECT * FROM coverage_daily WHERE date = '2025-03-31'",
        "coverage_daily, one company": "SELECT * FROM coverage_daily WHERE company_id = 'C00008'",
    }
    asked = [Query(name, sql, {}) for name, sql in views.items()]
    for question in questions():
        if with_workers or question.name not in OF_WORKERS:
            given = {each.name: SOME.get(each.name, "") for each in question.parameters}
            asked.append(Query(f"ask {question.name}", question.select, given))
            if "company" in given:
                asked.append(Query(f"ask {question.name}, one company", question.select, given | {"company": "C00008"}))
            if question.part:
                asked.append(Query(f"ask {question.name}, in turn", question.select, given, question))
    return asked


def main(
    lines: Annotated[int, typer.Option(help="About how many lines the ledger has.")] = 20_000_000,
    workers: Annotated[bool, typer.Option(help="Make the journal too, and ask the questions about workers.")] = False,
    before: Annotated[
        bool, typer.Option(help="Make the ledger in the layout of before, measure that too, and migrate it.")
    ] = True,
    folder: Annotated[Path | None, typer.Option(help="Where the database is made; it is removed at the end.")] = None,
) -> None:
    """Make a ledger, and measure what analysts ask of it."""
    with tempfile.TemporaryDirectory(prefix="peserta-views-", dir=folder) as name:
        server = ClickHouse.launch(Path(name))
        try:
            found = _measured(server, lines, workers, before)
        finally:
            server.stop()
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({**machine(), **found}, indent=2), encoding="utf-8")
    _show(found)


def _measured(server: ClickHouse, lines: int, workers: bool, before: bool) -> dict[str, object]:
    found: dict[str, object] = {"lines_asked": lines}
    asked = queries(workers)
    with tempfile.TemporaryDirectory() as old:
        for migration in migrations():
            if migration.name < BEFORE or not before:
                (Path(old) / f"{migration.name}.sql").write_text(migration.text, encoding="utf-8")
        asyncio.run(_migrated(server, Path(old)))
    with _took(found, "generation"), _client(server) as client:
        _make(client, lines, workers)
    found["lines"] = _value(server, "SELECT count() FROM ledger_lines")
    if before:
        found["bytes before"] = _bytes(server)
        found["before"] = _all(server, asked, "before", leave_out=NOT_THERE)
    with _took(found, "migration"):
        asyncio.run(_migrated(server))
    with _client(server) as client:
        client.command(ledger.BASELINES, settings={"mutations_sync": 2})
    with _took(found, "adding up"):
        found["buckets"] = asyncio.run(_totalled(server))
    found["bytes after"] = _bytes(server)
    found["after"] = _all(server, asked, "after")
    return found


def _make(client: Client, lines: int, workers: bool) -> None:
    facts = ledger.facts_of_partition(lines)
    tables = [ledger.insert_lines, *((ledger.insert_entries, ledger.insert_facts) if workers else ())]
    for partition in track(range(ledger.PARTITIONS), "Making the ledger", console=console):
        for insert in tables:
            client.command(insert(partition, facts), settings={"max_insert_threads": 1})
    for statement in (ledger.SNAPSHOTS, ledger.COMPANIES_REGISTERED, ledger.POLICY, ledger.ALERTS):
        client.command(statement)


async def _migrated(server: ClickHouse, folder: Path | None = None) -> None:
    async with await Warehouse.open(_settings(server)) as warehouse:
        await (migrate(warehouse.client, folder=folder) if folder else migrate(warehouse.client))


async def _totalled(server: ClickHouse) -> int:
    """Add up every full bucket. Entries are made for that where the journal was not."""
    async with await Warehouse.open(_settings(server)) as warehouse:
        if not (await warehouse.client.query("SELECT count() FROM ledger_entries")).result_rows[0][0]:
            await warehouse.client.command(
                "INSERT INTO ledger_entries (partition, offset) "
                "SELECT partition, max(offset) FROM ledger_lines GROUP BY partition"
            )
        totals, count = Totals(warehouse), 0
        await totals.begin()
        while (bucket := totals.due()) is not None:
            await totals.total(bucket)
            count += 1
        return count


def _settings(server: ClickHouse) -> SinkSettings:
    return SinkSettings("", server.url, database=DATABASE)


def _all(server: ClickHouse, asked: list[Query], when: str, leave_out: Collection[int] = ()) -> dict[str, Cost]:
    """What each query costs, without those that ClickHouse refuses with one of these codes."""
    costs: dict[str, Cost] = {}
    for query in track(asked, f"Asking {when}", console=console):
        try:
            costs[query.name] = _cost(server, query)
        except DatabaseError as error:
            if error.code not in leave_out:
                raise
    return costs


def _cost(server: ClickHouse, query: Query) -> Cost:
    _forget(server)
    with _client(server) as client:
        client.set_client_setting("max_memory_usage", MEMORY)
        client.command("SELECT 1")
        try:
            cold_s, _, _ = _timed(client, query)
            runs = [_timed(client, query) for _ in range(1 if query.in_turn else RUNS)]
        except DatabaseError as error:
            if error.code != OVER_MEMORY:
                raise
            return Cost(None, None, 0, 0)
    warm_s, rows, size = min(runs)
    return Cost(warm_s, cold_s, rows, size / 1e6)


def _timed(client: Client, query: Query) -> tuple[float, int, int]:
    rows, size = _read(client)
    began_s = time.perf_counter()
    sent = Sent(query.sql, query.parameters)
    if query.in_turn is not None:
        sent = in_turn(client, query.in_turn, query.parameters, no_turn)
    client.query(sent.select, parameters=dict(sent.parameters), settings=dict(sent.settings))
    took_s = time.perf_counter() - began_s
    rows_now, size_now = _read(client)
    return took_s, rows_now - rows, size_now - size


def _read(client: Client) -> tuple[int, int]:
    """Rows and bytes that the engine has read from tables since it started."""
    found = client.query("SELECT event, value FROM system.events WHERE event IN ('SelectedRows', 'SelectedBytes')")
    counts = {str(event): int(value) for event, value in found.result_rows}
    return counts.get("SelectedRows", 0), counts.get("SelectedBytes", 0)


def _forget(server: ClickHouse) -> None:
    """Start the engine anew, with nothing of its files in memory."""
    server.stop()
    os.sync()
    for file in server.folder.rglob("*"):
        if file.is_file():
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
    server.start()


@contextmanager
def _client(server: ClickHouse) -> Iterator[Client]:
    client = clickhouse_connect.get_client(dsn=server.url, database=DATABASE, send_receive_timeout=LIMIT_S)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _took(found: dict[str, object], what: str) -> Iterator[None]:
    began_s = time.perf_counter()
    yield
    found[f"{what}, s"] = round(time.perf_counter() - began_s, 1)
    console.print(f"{what}: {found[f'{what}, s']} s")


def _value(server: ClickHouse, sql: str) -> int:
    with _client(server) as client:
        return int(client.query(sql).result_rows[0][0])


def _bytes(server: ClickHouse) -> dict[str, int]:
    """Bytes on disk of each table, merged."""
    with _client(server) as client:
        names = client.query(
            "SELECT DISTINCT table FROM system.parts WHERE database = currentDatabase() AND active"
        ).result_rows
        for (name,) in names:
            client.command(f"OPTIMIZE TABLE {name} FINAL")
        sizes = client.query(
            "SELECT table, sum(bytes_on_disk) FROM system.parts "
            "WHERE database = currentDatabase() AND active GROUP BY table"
        ).result_rows
    return {str(table): int(size) for table, size in sizes}


def _show(found: dict[str, object]) -> None:
    table = Table(title=f"{found['lines']:,} lines", width=WIDTH)
    for heading in ("query", "before, s", "cold", "after, s", "cold", "million rows", "MB read"):
        table.add_column(heading, justify="left" if heading == "query" else "right")
    before: dict[str, Cost] = found.get("before", {})  # type: ignore[assignment]
    after: dict[str, Cost] = found["after"]  # type: ignore[assignment]
    for name, cost in after.items():
        was = before.get(name)
        table.add_row(
            name,
            *((_s(was.warm_s), _s(was.cold_s)) if was else ("", "")),
            *(_s(cost.warm_s), _s(cost.cold_s), f"{cost.rows / 1e6:.1f}", f"{cost.megabytes:.0f}"),
        )
    console.print(table)
    for name, value in found.items():
        if name not in ("before", "after"):
            console.print(f"{name}: {value}")


def _s(seconds: float | None) -> str:
    return "over 2 GiB" if seconds is None else f"{seconds:.2f}"


if __name__ == "__main__":
    typer.run(main)
