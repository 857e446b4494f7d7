"""Every view and every column of it has its comment, in each database in which views are."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from deploy.embedded.stack import Stack
from sinks.clickhouse.published_views import HIDDEN, analysts_of, is_there, publish_views
from sinks.clickhouse.view_columns import VIEWS
from sinks.clickhouse.view_comments import comment_of_column, comment_of_view, comment_views, found_views
from tests.support.sink_database import Database, opened_database, shared_database

OF_THE_MAKER = "DEFINER = CURRENT_USER SQL SECURITY DEFINER"


@pytest.fixture(scope="module")
def name(stack: Stack) -> str:
    """A database with all views, which every test leaves with these views."""
    made, _ = shared_database(stack.clickhouse_url)
    return made


@pytest.fixture
async def database(clickhouse_url: str, name: str) -> AsyncIterator[Database]:
    async with opened_database(clickhouse_url, name) as opened:
        yield opened


async def uncommented(database: Database, name: str) -> list[str]:
    """Views and columns of a database whose statement has no comment for them, by the engine's own description."""
    lacking = []
    for view in await found_views(database.client, name):
        columns = await database.rows(f"DESCRIBE TABLE (SELECT * FROM {name}.{view.name}{arguments(view.select)})")
        listed, _, rest = view.created.partition(" AS WITH " if " AS WITH " in view.created else " AS SELECT ")
        assert rest, view.created
        for column in (row["name"] for row in columns):
            if not re.search(rf"`{column}` [^`]+? COMMENT '[^']", listed):
                lacking.append(f"{view.name}.{column}")
        if not re.search(r" COMMENT '.+'$", listed):
            lacking.append(view.name)
    return lacking


def arguments(select: str) -> str:
    """Arguments of a view with parameters, whatever their types are."""
    named = dict.fromkeys(re.findall(r"\{(\w+):", select))
    known = {"as_of": "2025-01-01", "since": "2025-01-01", "known_at": "2025-01-01T00:00:00Z"}
    return f"({', '.join(f'{name}={known[name]!r}' for name in named)})" if named else ""


async def test_every_view_and_column_has_a_comment(database: Database, name: str) -> None:
    await comment_views(database.client)
    assert await uncommented(database, name) == []

    await publish_views(database.client, f"{name}_p")
    assert await uncommented(database, f"{name}_p") == []
    assert await uncommented(database, analysts_of(f"{name}_p")) == []


async def test_a_view_made_again_gets_its_comments_again(database: Database, name: str) -> None:
    """A later migration replaces views, and ClickHouse drops their comments with them."""
    await comment_views(database.client)
    assert await comment_views(database.client) == ()
    (before,) = [view for view in await found_views(database.client, name) if view.name == "companies"]
    await database.client.command(f"CREATE OR REPLACE VIEW companies AS {before.select}")
    assert "companies" in await uncommented(database, name)

    assert await comment_views(database.client) == ("companies",)

    (after,) = [view for view in await found_views(database.client, name) if view.name == "companies"]
    assert after == before


async def test_a_view_of_somebody_else_stays_as_it_is(database: Database, name: str) -> None:
    """It may have parameters that nobody here knows."""
    await database.client.command("CREATE VIEW theirs AS SELECT {asked:Int32} AS asked")
    await comment_views(database.client)
    (theirs,) = [view for view in await found_views(database.client, name) if view.name == "theirs"]
    assert "COMMENT" not in theirs.created

    await publish_views(database.client, f"{name}_p")

    assert await database.value(f"SELECT asked FROM {name}_p.theirs(asked=7)") == 7
    for made in (name, f"{name}_p"):
        await database.client.command(f"DROP VIEW {made}.theirs")


def test_a_comment_is_one_line_without_links() -> None:
    texts = [comment_of_view(view) for view in VIEWS]
    texts += [comment_of_column(view, column) for view, described in VIEWS.items() for column in described.meanings]
    assert all(text and "](" not in text and "\n" not in text for text in texts)
    assert comment_of_view("coverage_as_of").endswith("from the postings that were recorded by `known_at`.")
    assert comment_of_column("dead_letters", "reason") == "Why it was refused."
    assert comment_of_column("coverage_current", "active") == "Inside the company on the date. Unit: workers."


async def test_views_that_are_published_already_stay_and_others_are_replaced(database: Database, name: str) -> None:
    await comment_views(database.client)
    published = f"{name}_p"
    analysts = analysts_of(published)
    await publish_views(database.client, published)
    before = await made(database, analysts)

    await publish_views(database.client, published)

    replaced = {view for view, uuid in (await made(database, analysts)).items() if uuid != before[view]}
    assert replaced == set(HIDDEN)  # what they show is another SELECT, in the engine's wording
    (right,) = [view for view in await found_views(database.client, analysts) if view.name == "companies"]
    spoiled = {
        "another SELECT": right.created.replace(" AS SELECT ", " AS SELECT DISTINCT "),
        "no comments": f"CREATE VIEW {analysts}.companies {OF_THE_MAKER} AS {right.select}",
        "nobody's rights": re.sub(r"DEFINER = \S+ SQL SECURITY DEFINER ", "", right.created),
        "other columns": right.created.replace("SELECT company_id,", "SELECT company_id AS other,"),
    }
    for what, statement in spoiled.items():
        assert statement != right.created
        await database.client.command(statement.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
        await publish_views(database.client, published)
        (after,) = [view for view in await found_views(database.client, analysts) if view.name == "companies"]
        assert after == right, what
    rights = " DEFINER = default SQL SECURITY DEFINER "
    assert is_there(right, right, rights)
    assert not is_there(right, replace(right, created=right.created.replace("= default ", "= else ")), rights)
    assert not is_there(right, right, "")
    assert not is_there(replace(right, name="theirs"), replace(right, name="theirs"), rights)


async def made(database: Database, of: str) -> dict[str, str]:
    """View -> the identity that it got when it was made."""
    query = "SELECT name, toString(uuid) AS uuid FROM system.tables WHERE database = {of:String}"
    return {row["name"]: row["uuid"] for row in await database.rows(query, of=of)}
