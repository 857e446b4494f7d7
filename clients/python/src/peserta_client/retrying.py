"""When a request is repeated, and after which delay.

This small policy is written here because the transports of HTTP clients repeat connections and not answers, and a
library for it would be the client's second dependency.
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import httpx2

from peserta_client.answers import Unavailable, is_refusal_of_all, rejection_of

# Answers and errors after which the same request may succeed.
REPEATED_STATUSES: Final = frozenset(
    (
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    )
)
REPEATED_ERRORS: Final = (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError)

DOUBLINGS_MAX: Final = 60  # limit that keeps the delay within the range of floats

Outcome = httpx2.Response | httpx2.TransportError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The attempts at one request, and the delays between them.

    `attempts` includes the first one. The delay doubles from `first_s` up to `longest_s`. A random part of up to half
    of it is left out, so that many clients do not return at once. A longer `Retry-After` replaces the delay; above
    `retry_after_longest_s` the request is abandoned.
    """

    attempts: int = 8
    first_s: float = 0.5
    longest_s: float = 30.0
    retry_after_longest_s: float = 120.0

    def delay_s(self, attempt: int, chance: float, asked_s: float | None) -> float:
        """Seconds between this attempt (from 1) and the next. `chance` lies in [0, 1); `asked_s` is Retry-After."""
        longest = min(self.longest_s, self.first_s * 2.0 ** min(attempt - 1, DOUBLINGS_MAX))
        delay = longest * (1 - chance / 2)
        return delay if asked_s is None else max(delay, asked_s + self.first_s * chance)

    def next_s(self, attempt: int, outcome: Outcome, chance: float, now: datetime) -> float | None:
        """Seconds until the next attempt; None if this one was answered for good.

        Raises Rejected, Unavailable or the transport's error if there is to be no other attempt.
        """
        if isinstance(outcome, httpx2.TransportError):
            if not isinstance(outcome, REPEATED_ERRORS):
                raise outcome
            words, asked_s = f"The door cannot be reached ({type(outcome).__name__})", None
        elif outcome.status_code == HTTPStatus.OK or is_refusal_of_all(outcome):
            return None
        elif outcome.status_code in REPEATED_STATUSES:
            words = f"The door answered {outcome.status_code}"
            asked_s = retry_after_s(outcome.headers.get("retry-after"), now)
        else:
            raise rejection_of(outcome)
        if attempt >= self.attempts:
            raise Unavailable(f"{words}, {attempt} times. Try again later.")
        if asked_s is not None and asked_s > self.retry_after_longest_s:
            raise Unavailable(f"{words}. Try again in {asked_s:.0f} s.")
        return self.delay_s(attempt, chance, asked_s)


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """The seconds in a `Retry-After` header, in either of its forms; None if it cannot be read."""
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    except (TypeError, ValueError):
        return None
