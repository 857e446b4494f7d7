"""The reference of views in docs/analysts.md equals the engine's own description of them."""

from collections.abc import AsyncIterator

import pytest

from sinks.clickhouse.view_columns import VIEWS
from tests.support.sink_database import Database, made_database
from tests.support.view_reference import COMMAND, PAGE, described, reference, undocumented, with_reference


@pytest.fixture
async def database(clickhouse_url: str, clickhouse_database: str) -> AsyncIterator[Database]:
    async with made_database(clickhouse_url, clickhouse_database) as made:
        yield made


async def test_every_column_of_every_view_has_a_meaning(database: Database) -> None:
    columns = await described(database)

    assert undocumented(columns) == []
    assert columns.keys() == VIEWS.keys()


async def test_the_page_is_what_the_engine_says(database: Database) -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page == with_reference(page, reference(await described(database))), f"run {COMMAND}"


async def test_a_column_without_a_meaning_is_named(database: Database) -> None:
    await database.client.command("CREATE OR REPLACE VIEW policy_status AS SELECT 1 AS state, 2 AS surplus")

    wrong = undocumented(await described(database))

    assert "policy_status.surplus: has no meaning" in wrong
    assert "policy_status.since: is no column" in wrong
