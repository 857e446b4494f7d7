"""`/livez`, `/readyz` and `/metrics` for monitoring, without a key. They contain no personal data."""

from collections.abc import Mapping
from enum import Enum
from http import HTTPStatus
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from peserta.operations.keys_known import BELIEVED_S, KnownKeys

ROLE: Final = "api"


class Waiting(Enum):
    """The conditions that the door waits for, with a sentence each."""

    KEYS = f"The keys were not read from Kafka within the last {BELIEVED_S:g} s."


class Probes:
    """The probes of one process."""

    def __init__(self, known: KnownKeys, registry: CollectorRegistry) -> None:
        self._known, self._registry = known, registry

    async def live(self, request: Request) -> Response:
        """The event loop turns, or nobody would answer."""
        return JSONResponse({"role": ROLE, "alive": True})

    async def ready(self, request: Request) -> Response:
        """Whether requests can be served now."""
        waits = self._waits()
        status = HTTPStatus.SERVICE_UNAVAILABLE if waits else HTTPStatus.OK
        return JSONResponse({"role": ROLE, "ready": not waits, "waits_for": waits}, status)

    async def metrics(self, request: Request) -> Response:
        """The metrics, as Prometheus reads them."""
        return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _waits(self) -> Mapping[str, str]:
        return {} if self._known.are_current() else {Waiting.KEYS.name: Waiting.KEYS.value}
