"""`GET /v1/alerts`: alerts by cursor, newest last, with their handling; and what `/stream` has in common with it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from peserta.api import parameters
from peserta.api.entrance import Entrance
from peserta.api.limits import Limits
from peserta.api.problems import Problem
from peserta.operations.alert_feed import AlertFeed
from peserta.operations.alert_log import AlertLog, Cursor, WrongCursor
from peserta.operations.permissions import Act, companies_seen
from schemas.dates import instant_text
from schemas.handling import Handled
from schemas.keys import Key
from schemas.public_json import JsonObject, stored_alert_json
from schemas.records import Alert
from schemas.subscriptions import FIRING, RESOLVED

STATUSES: Final = (FIRING, RESOLVED)
LATEST: Final = "latest"  # instead of a cursor: behind everything that is there now
RETRY_S: Final = 2


@dataclass(frozen=True, slots=True)
class Filter:
    """Which alerts are wanted; None: any."""

    company: str | None = None
    policy: str | None = None
    status: str | None = None

    def companies(self, key: Key) -> Collection[str] | None:
        """The companies of which this key may see the alerts that are wanted; None: all."""
        seen = companies_seen(key)
        if self.company is None:
            return seen
        return (self.company,) if seen is None or self.company in seen else ()

    def has(self, alert: Alert) -> bool:
        """Whether an alert of these companies is wanted."""
        return self.policy in (None, alert.policy_id) and self.status in (None, alert.status)


class AlertsDoor:
    """Answers with alerts from the memory of this process."""

    def __init__(self, feed: AlertFeed, entrance: Entrance, limits: Limits) -> None:
        self._feed, self._entrance, self._limits = feed, entrance, limits

    async def get(self, request: Request) -> Response:
        """A page of alerts behind a cursor. Raises Problem for wrong parameters, or while the alerts are not known."""
        with self._entrance.entered(request, Act.READ_FIGURES) as key:
            wanted, most = filter_of(request), parameters.limit(request, self._limits)
            said = parameters.text(request, "cursor")
            log = current(self._feed).alerts
            cursor = cursor_of(said, log)
            found: list[JsonObject] = []
            position, more = dict(cursor.position), False
            for scanned, known in enumerate(log.after(cursor, wanted.companies(key))):
                if scanned == self._limits.scanned or len(found) == most:
                    more = True
                    break
                position[known.partition] = known.mark
                if wanted.has(known.alert):
                    handling = handled_json(self._feed.handling.of(known.alert.alert_id))
                    found.append(stored_alert_json(known.alert) | {"handling": handling})
        behind = Cursor(cursor.generation, position)
        return JSONResponse({"alerts": found, "cursor": behind.encode(), "more": more, "generation": behind.generation})


def filter_of(request: Request) -> Filter:
    """The filter of a request. Raises Problem `wrong-parameter` for a status that is none."""
    wanted = Filter(*(parameters.text(request, name) for name in ("company", "policy", "status")))
    if wanted.status not in (None, *STATUSES):
        raise Problem("wrong-parameter", f"status must be one of {', '.join(STATUSES)}.")
    return wanted


def current(feed: AlertFeed) -> AlertFeed:
    """The feed, if it is current. Raises Problem `not-now` if it is not."""
    if not feed.is_current():
        raise Problem("not-now", "The alerts were not read from Kafka lately. Try again.", retry_after_s=RETRY_S)
    return feed


def cursor_of(said: str | None, log: AlertLog) -> Cursor:
    """A cursor of this log's generation. Raises Problem `wrong-parameter` for a text that is none."""
    if said is None:
        return log.beginning()
    if said == LATEST:
        return log.end()
    try:
        return log.placed(Cursor.decode(said))
    except WrongCursor:
        raise Problem("wrong-parameter", "cursor must be one that this service has given, or latest.") from None


def handled_json(handled: Handled) -> JsonObject | None:
    """What people did about an episode; null for nothing."""
    if handled == Handled():
        return None
    at = handled.acknowledged_at
    return {
        "acknowledged_by": handled.acknowledged_by,
        "acknowledged_at": None if at is None else instant_text(at),
        "assigned_to": handled.assigned_to,
        "notes": [{"text": note.text, "by": note.by, "at": instant_text(note.at)} for note in handled.notes],
    }
