"""Asking the workers of an installation: are they ready, and what have they counted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from deploy.health.place import place_of, url_of
from deploy.service import ROLES
from deploy.settings import Settings

ANSWER_LIMIT_S: Final = 3.0
NOT_RUNNING: Final = {"PROCESS": "No worker answers: it does not run, or without an endpoint."}


@dataclass(frozen=True)
class Health:
    """What a worker said; `waits_for` name -> sentence, and nothing in it means ready. No `url`: none is known."""

    role: str
    url: str | None = None
    waits_for: Mapping[str, str] = field(default_factory=lambda: NOT_RUNNING)

    @property
    def ready(self) -> bool:
        return not self.waits_for


def ask(settings: Settings, roles: Sequence[str] = ROLES) -> list[Health]:
    """The health of each role's worker."""
    return [_ask(role, url) if (url := _url(settings, role)) else Health(role) for role in roles]


def counted(settings: Settings, role: str) -> dict[str, float]:
    """Sample name -> value, summed over the labels, of a worker's metrics; nothing when it does not answer."""
    url = _url(settings, role)
    status, text = _get(url, "/metrics") if url else (None, "")
    sums: dict[str, float] = {}
    if status == HTTPStatus.OK:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return sums


def _url(settings: Settings, role: str) -> str | None:
    """Where a worker of this role has said it is; else the port of the settings."""
    announced = place_of(settings.data_dir, role)
    if announced is None and settings.health_port > 0:
        return url_of(str(settings.health_bind), settings.health_port)
    return announced


def _ask(role: str, url: str) -> Health:
    status, text = _get(url, "/readyz")
    if status not in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE):
        return Health(role, url)
    answer = json.loads(text)
    # The port may be another's by now.
    return Health(role, url, answer["waits_for"]) if answer["role"] == role else Health(role, url)


def _get(url: str, path: str) -> tuple[int | None, str]:
    """Status and text of an answer; None when there is none in time."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_LIMIT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, HTTPException):
        return None, ""
    finally:
        connection.close()
