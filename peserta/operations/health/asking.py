"""Asking the workers of an installation whether they are ready, how far they are behind, and for their counters."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from peserta.operations.health.place import Place, places_of, url_of
from peserta.operations.service import API, NOTIFIER, ROLES
from peserta.settings import Settings

ANSWER_LIMIT_S: Final = 3.0
# The metrics with the lag: streams/metrics.py, sinks/clickhouse/metrics.py.
LAGS: Final = frozenset(("peserta_lane_lag_offsets", "peserta_sink_lag_offsets"))
NOT_RUNNING: Final = {"PROCESS": "No worker answers: it does not run, or without an endpoint."}


@dataclass(frozen=True)
class Health:
    """A worker's answer. `waits_for` is name -> sentence; it is empty if the worker is ready.

    Without `url` the worker's address is unknown. `lag` is topic -> offsets behind the topic's end when the worker last
    looked. It is empty before the first look, and if the worker does not answer.
    """

    role: str
    url: str | None = None
    waits_for: Mapping[str, str] = field(default_factory=lambda: NOT_RUNNING)
    pid: int | None = None
    lag: Mapping[str, int] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        return not self.waits_for

    @property
    def behind(self) -> int | None:
        """Offsets behind, summed over all topics."""
        return sum(self.lag.values()) if self.lag else None


def ask(settings: Settings, roles: Sequence[str] = ()) -> list[Health]:
    """The health of every worker of these roles. A role without any worker is reported as not running.

    Without roles, of ROLES, and of notifiers and HTTP doors if any have announced themselves.
    """
    running = (role for role in (NOTIFIER, API) if places_of(settings.data_dir, role))
    return [health for role in roles or (*ROLES, *running) for health in _of_role(settings, role)]


def _of_role(settings: Settings, role: str) -> list[Health]:
    return [_ask(place) for place in _places(settings, role)] or [Health(role)]


def counted(settings: Settings, role: str) -> dict[str, float]:
    """Metric sample -> value, summed over labels and over the workers of a role; empty if none answers."""
    sums: dict[str, float] = {}
    for place in _places(settings, role):
        for sample in _samples(place.url):
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return sums


def _places(settings: Settings, role: str) -> list[Place]:
    """The announced endpoints of the workers of this role; without any, the port of the settings."""
    announced = places_of(settings.data_dir, role)
    if not announced and settings.health_port > 0:
        return [Place(role, url_of(str(settings.health_bind), settings.health_port))]
    return announced


def _ask(place: Place) -> Health:
    status, text = _get(place.url, "/readyz")
    if status not in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE):
        return Health(place.role, place.url, pid=place.pid)
    answer = json.loads(text)
    if answer["role"] != place.role:  # The port of the settings may belong to another worker.
        return Health(place.role, place.url)
    lag: dict[str, int] = {}
    for sample in _samples(place.url):
        if sample.name in LAGS:
            topic = sample.labels["topic"]
            lag[topic] = lag.get(topic, 0) + int(sample.value)
    return Health(place.role, place.url, answer["waits_for"], place.pid, lag)


def _samples(url: str) -> list[Sample]:
    status, text = _get(url, "/metrics")
    if status != HTTPStatus.OK:
        return []
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def _get(url: str, path: str) -> tuple[int | None, str]:
    """(status, text) of an answer; the status is None if there is no answer in time."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_LIMIT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, HTTPException):
        return None, ""
    finally:
        connection.close()
