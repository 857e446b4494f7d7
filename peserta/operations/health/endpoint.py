"""A worker's HTTP endpoint: is it alive, is it ready, and its metrics. Answers are JSON except for the metrics."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client import make_wsgi_app as metrics_app

from peserta.operations.health.pulse import SILENCE_LIMIT_S, Pulse

SILENT = "EVENT_LOOP"
SILENT_SENTENCE = f"The event loop has not turned for more than {SILENCE_LIMIT_S:g} s."
HEADERS = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))


def worker_registry() -> CollectorRegistry:
    """A registry that already has the process's own metrics: memory, processor time, start, garbage collection."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


@dataclass(frozen=True)
class Probe:
    """What a worker reports about itself.

    `waits_for` returns members of an enum whose values are sentences, none if the worker is ready. It is called from
    other threads.
    """

    role: str
    waits_for: Callable[[], Sequence[Enum]]
    pulse: Pulse = field(default_factory=Pulse)
    registry: CollectorRegistry = field(default_factory=worker_registry)

    def waits(self) -> dict[str, str]:
        """Name -> sentence for everything that the worker waits for."""
        if not self.pulse.is_alive():
            return {SILENT: SILENT_SENTENCE}
        return {waiting.name: str(waiting.value) for waiting in self.waits_for()}


def application(probe: Probe) -> WSGIApplication:
    """`/livez`, `/readyz` and `/metrics` of a worker. The first two answer 503 if it is not alive or not ready."""
    metrics = metrics_app(probe.registry)

    def answer(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            answered: Iterable[bytes] = metrics(environ, respond)
            return answered
        status, fields = _fields(probe, environ["REQUEST_METHOD"], path)
        # Pass a new list: the server adds the answer's length to it.
        respond(f"{status.value} {status.phrase}", list(HEADERS))
        return [json.dumps(fields).encode() + b"\n"]

    return answer


def _fields(probe: Probe, method: str, path: str) -> tuple[HTTPStatus, Mapping[str, Any]]:
    if method != "GET":
        return HTTPStatus.METHOD_NOT_ALLOWED, {"error": "Only GET is answered."}
    if path == "/livez":
        alive, silence_s = probe.pulse.is_alive(), round(probe.pulse.silence_s(), 3)
        return _status(alive), {"role": probe.role, "alive": alive, "silence_seconds": silence_s}
    if path == "/readyz":
        waits = probe.waits()
        return _status(not waits), {"role": probe.role, "ready": not waits, "waits_for": waits}
    return HTTPStatus.NOT_FOUND, {"error": "There are /livez, /readyz and /metrics."}


def _status(holds: bool) -> HTTPStatus:
    return HTTPStatus.OK if holds else HTTPStatus.SERVICE_UNAVAILABLE
