"""The metrics that the workers and the HTTP door export, and those that a query of Prometheus names."""

import re
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from peserta.api.metrics import ApiMetrics
from peserta.operations.health.endpoint import worker_registry
from sinks.clickhouse.metrics import SinkMetrics
from sinks.notices.metrics import NotifierMetrics
from sinks.notices.readiness import NotifierStatus
from streams.metrics import BookkeeperMetrics, RecorderMetrics

# Labels that the scrape adds, and the metric that it makes (deploy/prometheus/prometheus.yml).
OF_THE_SCRAPE: Final = frozenset({"job", "instance", "role"})
UP: Final = "up"
_NAME: Final = re.compile(r"\b(?:peserta|process|python)_[a-z0-9_]+\b|\bup\b")
_SELECTED: Final = re.compile(r"(\w+)\{([^}]*)\}")
_GROUPED: Final = re.compile(r"\bby \(([^)]*)\)")
_ENDINGS: Final = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "gauge": ("",),
}


def exported() -> dict[str, frozenset[str]]:
    """Name of each series -> its labels, with those of the scrape."""
    labels = {UP: OF_THE_SCRAPE}
    for registry in _registries():
        for collector in list(registry._collector_to_names):
            if isinstance(collector, MetricWrapperBase):
                for ending in _ENDINGS.get(str(collector._type), ("",)):
                    own = set(collector._labelnames) | ({"le"} if ending == "_bucket" else set())
                    labels[collector._name + ending] = frozenset(own) | OF_THE_SCRAPE
        for family in registry.collect():
            for sample in family.samples:
                labels.setdefault(sample.name, frozenset(sample.labels) | OF_THE_SCRAPE)
    return labels


def _registries() -> Iterable[CollectorRegistry]:
    lane, book, door, told = (worker_registry() for _ in range(4))
    RecorderMetrics(lane), BookkeeperMetrics(book), ApiMetrics(door)
    NotifierMetrics(told, NotifierStatus())
    sink = worker_registry()
    SinkMetrics(sink)
    return (lane, book, sink, told, door)


def named_in(query: str) -> dict[str, frozenset[str]]:
    """Name of each series in a query -> the labels that the query uses: selected, or grouped by."""
    grouped = {label.strip() for found in _GROUPED.findall(query) for label in found.split(",")}
    names = dict.fromkeys(_NAME.findall(_GROUPED.sub("", query)), grouped)
    used = {name: set(labels) for name, labels in names.items()}
    for name, selectors in _SELECTED.findall(query):
        used.setdefault(name, set()).update(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selectors))
    return {name: frozenset(labels) for name, labels in used.items()}
