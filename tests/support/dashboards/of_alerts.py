"""Alert rules of Grafana about what the book says, by ClickHouse: for those who have Grafana and no Alertmanager.

Alerts of the policies are told by the notifier, and alerts of the workers by Prometheus. These are about people: a
source that became silent, and alerts that nobody has taken up.
"""

from dataclasses import dataclass
from typing import Any, Final

from tests.support.dashboards.panels import Sql

DATASOURCE: Final = "peserta-clickhouse"
DAY_S: Final = 86_400
SILENT_DAYS: Final = 7
UNTOUCHED_DAYS: Final = 3


@dataclass(frozen=True, slots=True)
class DataAlert:
    """A rule that fires for each row whose number, the last column, is above `above`."""

    uid: str
    title: str
    sql: Sql
    above: int
    summary: str

    def json(self) -> dict[str, Any]:
        above = {"evaluator": {"type": "gt", "params": [self.above]}}
        return {
            "uid": self.uid,
            "title": self.title,
            "condition": "B",
            "for": "0s",
            "noDataState": "OK",
            "execErrState": "Error",
            "labels": {"severity": "warning"},
            "annotations": {"summary": self.summary},
            "data": [
                _query("A", DATASOURCE, {k: v for k, v in self.sql.target(0).items() if k != "datasource"}),
                _query("B", "__expr__", {"refId": "B", "type": "threshold", "expression": "A", "conditions": [above]}),
            ],
        }


def _query(ref: str, source: str, model: dict[str, Any]) -> dict[str, Any]:
    return {"refId": ref, "datasourceUid": source, "relativeTimeRange": {"from": DAY_S, "to": 0}, "model": model}


ALERTS: Final = (
    DataAlert(
        "peserta-silent-source",
        "A source of facts is silent",
        Sql(
            "SELECT source, toInt64(toDate32($__toTime, 'Asia/Jakarta'))\n"
            "    - toInt64(max(toDate32(recorded_at, 'Asia/Jakarta'))) AS silent_days\n"
            "FROM counted_facts\nGROUP BY source",
            ("source", "silent_days"),
        ),
        SILENT_DAYS,
        "No new fact of {{ $labels.source }} was recorded for more than 7 days.",
    ),
    DataAlert(
        "peserta-untouched-alerts",
        "Alerts that nobody has taken up",
        Sql(
            "SELECT policy_id, toInt64(countIf(\n"
            f"        recorded_at < $__toTime - INTERVAL {UNTOUCHED_DAYS} DAY\n"
            "        AND alert_id NOT IN (SELECT alert_id FROM alerts WHERE status = 'resolved')\n"
            "        AND alert_id NOT IN (SELECT alert_id FROM alert_handling WHERE action != 'note')\n"
            "    )) AS untouched\nFROM alerts\nWHERE status = 'firing'\nGROUP BY policy_id",
            ("policy_id", "untouched"),
        ),
        0,
        "Alerts of {{ $labels.policy_id }} fire for more than 3 days, and nobody has acknowledged or got them.",
    ),
)


def provisioned() -> dict[str, Any]:
    """The file of Grafana's provisioning."""
    group = {"orgId": 1, "name": "peserta", "folder": "Peserta", "interval": "15m"}
    return {"apiVersion": 1, "groups": [{**group, "rules": [alert.json() for alert in ALERTS]}]}
