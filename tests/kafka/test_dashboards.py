"""The dashboards of deploy/grafana: their queries on ClickHouse's engine with the story's data; their metrics."""

import json
import re
from typing import Any, Final

import pytest

from sinks.clickhouse.published_views import analysts_of, publish_for_analysts
from tests.support.dashboards.files import ALERTING, COMMAND, DASHBOARDS, FOLDER, written
from tests.support.dashboards.filling import FILLED, filled
from tests.support.dashboards.of_alerts import ALERTS, DataAlert
from tests.support.dashboards.of_service import SERVICE
from tests.support.dashboards.panels import Panel, PromQl, Sql
from tests.support.exported_metrics import exported, named_in
from tests.support.sink_database import Database, opened_database, shared_database
from tests.support.story_database import put_story

PANELS: Final = [
    pytest.param(panel, id=f"{board.uid}: {panel.title}")
    for board in DASHBOARDS
    for panel in board.panels
    if isinstance(panel.queries[0], Sql)
]


async def publish(database: Database) -> None:
    await publish_for_analysts(database.client, database.client.database or "")


@pytest.fixture(scope="module")
def analysts(stack: Any) -> str:
    """The analysts' database of the story."""
    name, _ = shared_database(stack.clickhouse_url, put_story, publish)
    return analysts_of(name)


@pytest.mark.parametrize("panel", PANELS)
async def test_every_query_gives_rows_with_its_columns(panel: Panel, analysts: str, clickhouse_url: str) -> None:
    async with opened_database(clickhouse_url, analysts) as database:
        for query in panel.queries:
            assert isinstance(query, Sql)
            found = await database.client.query(filled(query.text))
            assert found.column_names == query.columns
            assert found.result_rows
            assert not query.has_time or found.column_types[0].name.startswith("DateTime")


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.uid)
async def test_every_alert_rule_gives_one_number_for_each_row(
    alert: DataAlert, analysts: str, clickhouse_url: str
) -> None:
    async with opened_database(clickhouse_url, analysts) as database:
        found = await database.client.query(filled(alert.sql.text))
    assert found.column_names == alert.sql.columns
    assert found.result_rows
    assert [kind.name for kind in found.column_types][1:] == ["Int64"]
    label = alert.sql.columns[0]
    assert f"$labels.{label} " in alert.summary


async def test_every_variable_has_values(analysts: str, clickhouse_url: str) -> None:
    async with opened_database(clickhouse_url, analysts) as database:
        for board in DASHBOARDS:
            for name, query in board.variables.items():
                found = await database.client.query(query)
                assert (FILLED[f"${{{name}}}"],) in found.result_rows


def test_every_metric_is_exported_with_the_labels_that_are_used() -> None:
    known = exported()
    texts = [query.text for panel in SERVICE.panels for query in panel.queries if isinstance(query, PromQl)]
    used = {name: labels for text in texts for name, labels in named_in(text).items()}
    assert len(used) > 10
    assert {name for name in used if name not in known} == set()
    assert {name: labels for name, labels in used.items() if not labels <= known[name]} == {}


def test_the_files_are_what_the_code_says() -> None:
    assert {*FOLDER.glob("*.json"), ALERTING} == set(written())
    for path, text in written().items():
        assert path.read_text(encoding="utf-8") == text, f"run {COMMAND}"


def test_no_two_panels_of_a_dashboard_overlap_and_no_variable_is_unknown() -> None:
    for path, text in written().items():
        if path == ALERTING:
            continue
        board = json.loads(text)
        cells = [
            (x, y)
            for panel in board["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(cells) == len(set(cells)), path.name
        assert max(x for x, _ in cells) < 24
        known = {variable["name"] for variable in board["templating"]["list"]}
        assert set(re.findall(r"\$\{(\w+)\}", json.dumps(board["panels"]))) <= known, path.name
