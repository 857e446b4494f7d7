"""The roles of `sinks/clickhouse/access`, enforced by ClickHouse's own engine with users."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.embedded.clickhouse.server import ClickHouse
from peserta.operations.clickhouse_roles import role_statements, run_statements
from peserta.operations.failure import Unfit
from peserta.settings import read_settings
from sinks.clickhouse.access import ROLES, Book
from sinks.clickhouse.migrations import tables
from sinks.clickhouse.published_views import HIDDEN, PERSONAL, analysts_of, publish_views
from sinks.clickhouse.refusals import Refused
from sinks.clickhouse.view_columns import ARGUMENTS, VIEWS
from sinks.clickhouse.view_comments import comment_views
from tests.support.clickhouse_with_users import PROGRAM, USERS, users_file
from tests.support.sink_database import Database, made_database, opened_database
from tests.support.story_database import put_story

BOOK: Final = Book("book", "book_g2")
ANALYSTS: Final = analysts_of(BOOK.database)
PROBES: Final = "probes"
COMPANIES: Final = ["JT-0001-A", "JT-0003-A"]
USER_ROLES: Final = {
    "default": "book_sink",
    "ana": "book_analyst",
    "rudi": "book_reader",
    "lina": "book_lampung",
    "nobody": "book_nobody",
}
# Later than everything in the book.
ASKED: Final = {
    view: arguments.replace("2025-01-01T", "2100-01-01T").replace("2025-01-01", "2025-12-31")
    for view, arguments in ARGUMENTS.items()
}
SHOWN: Final = VIEWS.keys() - PERSONAL  # to analysts
ACCESS_DENIED, READONLY, CONSTRAINT, TOO_MANY_ROWS = 497, 164, 452, 396

Ask = Callable[[str, str], Awaitable[list[dict[str, Any]]]]


def statements(book: Book = BOOK) -> list[str]:
    texts = [statement for role in ROLES for statement in book.statements(role)]
    return [*texts, *book.statements_of_companies("lampung", COMPANIES)]


async def fill(url: str) -> None:
    """What a sink does, with a sink's rights: its database, its rows, its views in other databases."""
    async with made_database(url, BOOK.generation) as database:
        await comment_views(database.client)
        await put_story(database)
        await publish_views(database.client, BOOK.database)
        await database.client.command(f"CREATE DATABASE {PROBES}", use_database=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """An engine whose user has the role of the sink, filled by that user, and other users of every role."""
    folder = tmp_path_factory.mktemp("access")
    more = {"default": [f"CREATE DATABASE, CREATE VIEW, DROP VIEW, SELECT ON {PROBES}.*", "SET DEFINER ON *"]}
    granted = [*statements(), "GRANT USAGE ON *.* TO book_nobody"]
    (folder / USERS).write_text(users_file(granted, USER_ROLES, more))
    running = ClickHouse.launch(folder, program=PROGRAM)
    try:
        asyncio.run(fill(running.url))
        yield running
    finally:
        running.stop()


@pytest.fixture
async def database(server: ClickHouse) -> AsyncIterator[Database]:
    async with opened_database(server.url, BOOK.generation) as opened:
        yield opened


@pytest.fixture
def ask(database: Database) -> Ask:
    """The rows that a user gets of a query: a view reads them with the rights, and the row policies, of that user."""

    async def rows(user: str, query: str) -> list[dict[str, Any]]:
        security = f"DEFINER = {user} SQL SECURITY DEFINER"
        await database.client.command(f"CREATE OR REPLACE VIEW {PROBES}.probe {security} AS {query}")
        return await database.rows(f"SELECT * FROM {PROBES}.probe")

    return rows


async def denied(ask: Ask, user: str, query: str) -> bool:
    try:
        await ask(user, query)
    except DatabaseError as error:
        assert error.code == ACCESS_DENIED, error
        return True
    return False


def of(database: str, view: str) -> str:
    return f"SELECT * FROM {database}.{view}{ASKED.get(view, '')}"


async def test_an_analyst_reads_the_views_and_nothing_else(ask: Ask) -> None:
    for view in SHOWN:
        assert await ask("ana", of(ANALYSTS, view)), view
    for database in (BOOK.database, BOOK.generation):
        assert [view for view in VIEWS if not await denied(ask, "ana", of(database, view))] == []
    assert [table for table in tables() if not await denied(ask, "ana", of(BOOK.generation, table))] == []
    seen = await ask(
        "ana", "SELECT database, name, engine FROM system.tables WHERE database LIKE 'book%' ORDER BY name"
    )
    assert seen == [{"database": ANALYSTS, "name": view, "engine": "View"} for view in sorted(SHOWN)]
    assert await denied(ask, "ana", "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')")


async def test_the_analysts_views_show_what_the_books_views_show_without_what_is_personal(
    database: Database, ask: Ask
) -> None:
    for view in SHOWN:
        expected = await database.rows(of(BOOK.database, view))
        shown = await ask("ana", of(ANALYSTS, view))
        for row in expected:
            for column in HIDDEN.get(view, ()):
                del row[column]
        assert sorted(map(str, shown)) == sorted(map(str, expected)), view


async def test_no_analyst_sees_a_token_of_a_worker(database: Database, ask: Ask) -> None:
    tokens = {row["worker_id"] for row in await database.rows("SELECT DISTINCT worker_id FROM journal")}
    assert len(tokens) > 100
    for view in SHOWN:
        columns = await database.rows(f"DESCRIBE TABLE ({of(ANALYSTS, view)})")
        texts = [f"`{row['name']}`" for row in columns if "String" in row["type"]]
        words = f"arrayFlatten([splitByRegexp('[^A-Za-z0-9._-]+', toString(tuple({', '.join(texts)}))) AS w])"
        found = await ask("ana", f"SELECT DISTINCT arrayJoin({words}) AS word FROM ({of(ANALYSTS, view)})")
        assert not tokens & {row["word"] for row in found}, view


async def test_a_reader_reads_the_book_with_its_tokens(ask: Ask) -> None:
    for view in VIEWS:
        assert await ask("rudi", of(BOOK.database, view)), view
    assert "worker_id" in (await ask("rudi", of(BOOK.database, "journal")))[0]
    assert [table for table in tables() if await denied(ask, "rudi", of(BOOK.generation, table))] == []


async def test_an_analyst_of_some_companies_sees_these_alone(database: Database, ask: Ask) -> None:
    with_companies = {view for view in SHOWN if "company_id" in (await database.rows(of(ANALYSTS, view)))[0]}
    for view in with_companies:
        found = {row["company_id"] for row in await ask("lina", of(ANALYSTS, view))}
        everybody = {row["company_id"] for row in await ask("ana", of(ANALYSTS, view))}
        assert found == everybody & set(COMPANIES), view
        assert found, view
        assert everybody > found, view
    assert await ask("lina", of(ANALYSTS, "policies"))
    rest = sorted(SHOWN - with_companies - {"policies"})
    assert [view for view in rest if not await denied(ask, "lina", of(ANALYSTS, view))] == []
    assert rest == ["dead_letters"]
    assert await denied(ask, "lina", of(BOOK.database, "coverage_current"))


async def test_without_a_role_nothing_can_be_read(ask: Ask) -> None:
    for database, views in ((ANALYSTS, SHOWN), (BOOK.database, VIEWS)):
        assert [view for view in views if not await denied(ask, "nobody", of(database, view))] == []


async def test_a_sink_empties_no_table_and_drops_no_database(database: Database) -> None:
    """It may drop tables of its own database: those whose rows it has moved."""
    refused = []
    for statement in ("TRUNCATE TABLE ledger_lines", "DROP DATABASE book"):
        with pytest.raises(DatabaseError) as error:
            await database.client.command(statement)
        refused.append(error.value.code)
    assert refused == [ACCESS_DENIED] * 2


@pytest.fixture
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """An engine whose user has the role of an analyst."""
    folder = tmp_path_factory.mktemp("limited")
    (folder / USERS).write_text(users_file(statements(), {"default": "book_analyst"}, {}))
    running = ClickHouse.launch(folder, program=PROGRAM)
    try:
        yield running
    finally:
        running.stop()


def test_the_limits_of_an_analyst_hold(limited: ClickHouse) -> None:
    with clickhouse_connect.get_client(dsn=limited.url) as client:

        def code(statement: str, **settings: Any) -> int | None:
            try:
                client.command(statement, settings=settings)
            except DatabaseError as error:
                return error.code
            return None

        assert code("SELECT 1") is None
        assert code("SELECT 1", max_execution_time=5, max_memory_usage=1_000_000_000) is None
        assert code("SELECT 1", max_execution_time=0) == CONSTRAINT
        assert code("SELECT 1", max_memory_usage=5_000_000_000) == CONSTRAINT
        assert code("SELECT 1", max_result_rows=0) == CONSTRAINT
        assert code("SET readonly = 0") == READONLY
        assert code("CREATE TABLE default.mine (a Int8) ENGINE = Memory") in (READONLY, ACCESS_DENIED)
        assert code("SELECT count() FROM numbers(20000001)") is None
        assert code("SELECT number FROM numbers(10000001) FORMAT Null") == TOO_MANY_ROWS


@pytest.mark.parametrize("cluster", [pytest.param(None, id="one server"), pytest.param("c1", id="a cluster")])
async def test_the_engine_reads_every_statement(cluster: str | None, clickhouse_url: str) -> None:
    texts = statements(Book("book", "book_g2", cluster))
    assert all(("ON CLUSTER c1" in text) == (cluster is not None) for text in texts)
    async with opened_database(clickhouse_url, "default") as database:
        kinds = [(await database.rows(f"EXPLAIN AST {text}"))[0] for text in texts]
    assert len(kinds) == len(texts)


@pytest.mark.parametrize(
    ("name", "companies", "said"),
    [
        pytest.param("sink", ["C1"], "another role", id="the name of a role"),
        pytest.param("a b", ["C1"], "letters, digits", id="a name with a blank"),
        pytest.param("a", [], "1 to 1,000", id="no company"),
        pytest.param("a", ["C1", "C'2"], "Company 2 ", id="no company id"),
    ],
)
def test_what_cannot_be_a_role_is_refused(name: str, companies: list[str], said: str) -> None:
    with pytest.raises(Refused, match=said):
        BOOK.statements_of_companies(name, companies)


async def test_a_clickhouse_without_users_says_so(clickhouse_url: str, tmp_path: Path) -> None:
    settings = read_settings(clickhouse_url=clickhouse_url, data_dir=tmp_path)

    with pytest.raises(Unfit, match="has no users, and takes no roles"):
        await run_statements(settings, role_statements(settings))
