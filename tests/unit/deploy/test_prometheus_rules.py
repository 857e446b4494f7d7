"""The alert rules of deploy/prometheus: their shape, and that workers and door export what they name.

`promtool test rules deploy/prometheus/peserta.rules.test.yml` runs the rules; it comes with Prometheus, not by pip.
"""

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.exported_metrics import exported, named_in

FOLDER: Final = Path(__file__).parents[3] / "deploy" / "prometheus"
FIELDS: Final = {"alert", "expr", "labels", "annotations"}


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


RULES: Final[list[dict[str, Any]]] = [rule for group in read("peserta.rules.yml")["groups"] for rule in group["rules"]]
CASES: Final[list[dict[str, Any]]] = read("peserta.rules.test.yml")["tests"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_a_rule_names_what_is_exported_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert FIELDS <= rule.keys() <= FIELDS | {"for"}
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "action"}
    known, used = exported(), named_in(rule["expr"])
    assert used
    assert used.keys() <= known.keys()
    assert {name: labels - known[name] for name, labels in used.items() if labels - known[name]} == {}


def test_every_rule_fires_in_a_case_for_promtool() -> None:
    fired = {test["alertname"] for case in CASES for test in case["alert_rule_test"] if test["exp_alerts"]}
    assert fired == {rule["alert"] for rule in RULES}


def test_cases_are_about_what_is_exported() -> None:
    known = exported()
    for series in (each["series"] for case in CASES for each in case["input_series"]):
        ((name, labels),) = named_in(series).items()
        assert labels <= known[name], series


def test_the_example_asks_every_worker_with_the_labels_that_the_rules_need() -> None:
    (job,) = read("prometheus.yml")["scrape_configs"]
    assert job["job_name"] == "peserta"
    roles = [target["labels"]["role"] for target in job["static_configs"]]
    assert roles == ["recorder", "bookkeeper", "sink", "notifier", "api"]


def test_what_is_not_exported_is_found() -> None:
    """A name in a query is found wherever it stands, with the labels by which it is selected or grouped."""
    found = named_in('sum by (topic) (rate(peserta_lane_lag{job="peserta", role!="x"}[5m])) > up')
    assert found == {"peserta_lane_lag": {"topic", "job", "role"}, "up": {"topic"}}
    assert "peserta_lane_lag" not in exported()
