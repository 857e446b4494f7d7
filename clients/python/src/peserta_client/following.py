"""Following the stream of alerts over many connections, each of which goes on behind the last whole event."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Final

import httpx2

from peserta_client.alerts import Alert, alert_of
from peserta_client.answers import PublishingFailed
from peserta_client.events import EventReader, TooLarge
from peserta_client.retrying import Outcome, RetryPolicy

FOR_EVER: Final = RetryPolicy(attempts=1 << 30)
LATEST: Final = "latest"  # instead of a cursor: only what is new


class UnreadableAnswer(PublishingFailed):
    """An answer that is not one of Peserta's door."""


@dataclass(frozen=True, slots=True)
class FollowedAlert:
    """An alert, and the cursor behind it: keep the cursor once the alert is dealt with, and go on from it later."""

    alert: Alert
    cursor: str


class Following:
    """The state of following the stream over many connections."""

    def __init__(self, filters: dict[str, str], cursor: str | None, retry: RetryPolicy | None) -> None:
        self._filters, self._cursor, self._retry = filters, cursor, retry or FOR_EVER
        self._attempt = 0
        self._reader = EventReader()

    def begun(self) -> tuple[dict[str, str], dict[str, str]]:
        """(parameters, headers) of the next connection."""
        self._attempt += 1
        self._reader = EventReader()
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if self._cursor not in (None, LATEST):
            return self._filters, {**headers, "Last-Event-ID": str(self._cursor)}
        return {**self._filters, **({"cursor": LATEST} if self._cursor else {})}, headers

    def read(self, piece: bytes) -> Iterator[FollowedAlert]:
        """The alerts that end in this piece. The next connection begins behind the last one."""
        try:
            events = self._reader.take(piece)
        except TooLarge:
            raise UnreadableAnswer("The stream is not one of Peserta's door: is the URL right?") from None
        if self._reader.heard:
            self._attempt = 0  # the door spoke: an end is no failure of it
        for event in events:
            if event.id is None:
                continue
            try:
                alert = alert_of(json.loads(event.data))
            except json.JSONDecodeError:
                raise UnreadableAnswer("An event of the stream has no alert in it: is the URL right?") from None
            self._cursor = event.id
            yield FollowedAlert(alert, event.id)

    def pause_s(self, outcome: Outcome) -> float:
        """Seconds until the next connection. Raises Rejected or Unavailable if there is to be none."""
        attempt = max(1, self._attempt)
        if isinstance(outcome, httpx2.Response) and outcome.status_code == HTTPStatus.OK:
            outcome = httpx2.RemoteProtocolError("the stream has ended")
        return self._retry.next_s(attempt, outcome, random.random(), datetime.now(timezone.utc)) or 0.0
