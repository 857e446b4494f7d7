"""Panels, dashboards and variables of Grafana, as the JSON that it imports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sinks.questions.headers import questions

CLICKHOUSE: Final = {"type": "grafana-clickhouse-datasource", "uid": "${clickhouse}"}
PROMETHEUS: Final = {"type": "prometheus", "uid": "${prometheus}"}
SCHEMA_VERSION: Final = 39
WIDTH: Final = 24  # columns of Grafana's grid
# The end of the dashboard's period as a business date, and everything that is recorded.
FROM_DATE: Final = "formatDateTime($__fromTime, '%Y-%m-%d', 'Asia/Jakarta')"
TO_DATE: Final = "formatDateTime($__toTime, '%Y-%m-%d', 'Asia/Jakarta')"
EVERYTHING: Final = "'2199-12-31T23:59:59.999Z'"

STAT, TABLE, LINES, BARS = "stat", "table", "timeseries", "barchart"


@dataclass(frozen=True, slots=True)
class Sql:
    """A query of ClickHouse, and the columns that it answers. `has_time`: its first column is a time."""

    text: str
    columns: tuple[str, ...]
    has_time: bool = False

    def target(self, number: int) -> dict[str, Any]:
        kind = "timeseries" if self.has_time else "table"
        return {
            "datasource": CLICKHOUSE,
            "refId": chr(ord("A") + number),
            "editorType": "sql",
            "queryType": kind,
            "format": 0 if self.has_time else 1,
            "rawSql": self.text,
        }


@dataclass(frozen=True, slots=True)
class PromQl:
    """A query of Prometheus, and the text for each of its lines."""

    text: str
    legend: str = ""

    def target(self, number: int) -> dict[str, Any]:
        return {
            "datasource": PROMETHEUS,
            "refId": chr(ord("A") + number),
            "expr": self.text,
            "legendFormat": self.legend,
        }


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel, `width` of 24 columns wide. `unit` is Grafana's."""

    title: str
    kind: str
    queries: tuple[Sql | PromQl, ...]
    width: int = 12
    height: int = 8
    unit: str = "none"
    says: str = ""
    units: Mapping[str, str] = field(default_factory=dict)

    def json(self, number: int, x: int, y: int) -> dict[str, Any]:
        overrides = [
            {"matcher": {"id": "byName", "options": column}, "properties": [{"id": "unit", "value": unit}]}
            for column, unit in self.units.items()
        ]
        return {
            "id": number,
            "title": self.title,
            "description": self.says,
            "type": self.kind,
            "datasource": CLICKHOUSE if isinstance(self.queries[0], Sql) else PROMETHEUS,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": {"unit": self.unit}, "overrides": overrides},
            "options": _OPTIONS[self.kind],
            "targets": [query.target(each) for each, query in enumerate(self.queries)],
        }


_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    STAT: {"reduceOptions": {"calcs": ["lastNotNull"], "values": False}, "colorMode": "none"},
    TABLE: {"showHeader": True},
    LINES: {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    BARS: {"orientation": "horizontal", "legend": {"displayMode": "list", "placement": "bottom"}},
}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard: its panels from left to right and down, and its variables (name -> query of their values)."""

    uid: str
    title: str
    says: str
    panels: tuple[Panel, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    period: str = "now-6M"

    def json(self) -> dict[str, Any]:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.says,
            "tags": ["peserta"],
            "schemaVersion": SCHEMA_VERSION,
            "editable": True,
            "timezone": "Asia/Jakarta",
            "time": {"from": self.period, "to": "now"},
            "templating": {"list": [*self._sources(), *map(_variable, self.variables.items())]},
            "panels": _placed(self.panels),
        }

    def _sources(self) -> list[dict[str, Any]]:
        kinds = {type(query) for panel in self.panels for query in panel.queries}
        names = {Sql: ("clickhouse", CLICKHOUSE["type"]), PromQl: ("prometheus", PROMETHEUS["type"])}
        found = [names[kind] for kind in (Sql, PromQl) if kind in kinds]
        return [{"name": name, "type": "datasource", "query": kind} for name, kind in found]


def _variable(named: tuple[str, str]) -> dict[str, Any]:
    name, query = named
    return {"name": name, "type": "query", "datasource": CLICKHOUSE, "query": query, "refresh": 1}


def _placed(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """The panels in rows of Grafana's grid."""
    placed, x, y, row_height = [], 0, 0, 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > WIDTH:
            x, y, row_height = 0, y + row_height, 0
        placed.append(panel.json(number, x, y))
        x, row_height = x + panel.width, max(row_height, panel.height)
    return placed


def asked(name: str, values: Mapping[str, str]) -> Sql:
    """A question of sinks/questions, the values of its parameters given as expressions of SQL."""
    (question,) = (each for each in questions() if each.name == name)
    text = question.select.strip().rstrip(";")
    for parameter in question.parameters:
        text = text.replace(f"{{{parameter.name}:String}}", values[parameter.name])
    return Sql(text, tuple(column.name for column in question.columns))
