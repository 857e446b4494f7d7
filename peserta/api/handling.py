"""`POST /v1/alerts/{alert_id}/handling`: acknowledge, assign, note."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from peserta.api.alerts import current
from peserta.api.bodies import Bodies
from peserta.api.entrance import Entrance
from peserta.api.limits import Limits
from peserta.api.media import JSON, form_of
from peserta.api.metrics import ApiMetrics
from peserta.api.problems import Problem
from peserta.intake.forms import Form
from peserta.operations.alert_feed import AlertFeed
from peserta.operations.failure import Failed, Rejected
from peserta.operations.handling import HandlingWriter, new_handling
from peserta.operations.permissions import Act, denial
from schemas.dates import instant_text
from schemas.handling import Handling
from schemas.keys import Key
from schemas.public_json import JsonObject
from schemas.records import Instant

FIELDS: Final = frozenset(("action", "to", "text"))
RETRY_S: Final = 5


class HandlingDoor:
    """Takes what people do about alerts."""

    def __init__(
        self,
        feed: AlertFeed,
        writer: HandlingWriter,
        entrance: Entrance,
        limits: Limits,
        metrics: ApiMetrics,
        now: Callable[[], Instant],
    ) -> None:
        self._feed, self._writer, self._entrance, self._metrics, self._now = feed, writer, entrance, metrics, now
        self._bodies = Bodies(replace(limits, body_bytes=limits.handling_bytes))

    async def post(self, request: Request) -> Response:
        """Answer with the stored record once Kafka has acknowledged it. Raises Problem otherwise."""
        with self._entrance.entered(request, Act.HANDLE_ALERTS) as key:
            if form_of(request.headers) is not Form.JSON:
                raise Problem("unknown-form", f"Content-Type must be {JSON}.")
            async with self._bodies.body_of(request) as body:
                asked = _asked(body)
            handling = self._handling(key, request.path_params["alert_id"], asked)
            try:
                await self._writer.write(handling)
            except Failed as error:
                raise Problem(
                    "not-now", "Kafka has not acknowledged it. It may be stored all the same.", retry_after_s=RETRY_S
                ) from error
        self._metrics.handled(handling.action)
        return JSONResponse(_fields(handling), 201)

    def _handling(self, key: Key, alert_id: str, asked: JsonObject) -> Handling:
        log = current(self._feed).alerts
        alert = log.episode(alert_id)
        if alert is None or denial(key, Act.HANDLE_ALERTS, company=alert.company_id) is not None:
            raise Problem("not-found", "There is no such alert, or it is not of one of this key's companies.")
        try:
            handling = new_handling(
                alert_id,
                alert.company_id,
                asked["action"],
                key.name,
                self._now(),
                to=asked.get("to"),
                text=asked.get("text"),
            )
        except Rejected as error:
            raise Problem("unreadable", str(error)) from None
        if log.is_over(alert_id):
            raise Problem("ended", "The alert is resolved: handling ends with its episode.")
        return handling


def _asked(body: bytes) -> JsonObject:
    """The fields of a body. Raises Problem `unreadable`; the sentence repeats nothing of it."""
    wrong = Problem("unreadable", "The body must be one JSON object with `action`, and `to` or `text`, as text.")
    try:
        found: Any = json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(found, dict) or "action" not in found or not found.keys() <= FIELDS:
        raise wrong
    if not all(isinstance(value, str) for value in found.values()):
        raise wrong
    return found


def _once(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is said twice")
    return found


def _fields(handling: Handling) -> JsonObject:
    return {
        "handling_id": handling.handling_id,
        "alert_id": handling.alert_id,
        "action": handling.action,
        "by": handling.by,
        "at": instant_text(handling.at),
        "to": handling.to,
        "text": handling.text,
    }
