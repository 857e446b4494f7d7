"""When an attempt to deliver a notice is repeated, and when it is given up (SEMANTICS 13)."""

import random
from dataclasses import dataclass
from typing import Final

from schemas.records import Instant

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS

AFTER_MS: Final = (5 * SECOND_MS, 30 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS)
GIVEN_UP_AFTER_MS: Final = 72 * HOUR_MS  # from the first attempt
JITTER: Final = 0.1  # an attempt is up to a tenth later, so that many do not come at once


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt. `words` may be shown to anybody and hold no secret and no address of a person.

    `gone`: the receiver wants nothing more of this subscription. `is_final`: a repeat cannot help. `retry_after_ms`:
    how long the receiver asked to be left alone.
    """

    ok: bool
    words: str
    gone: bool = False
    is_final: bool = False
    retry_after_ms: int | None = None


def next_attempt(attempts: int, first_at: Instant, now: Instant, retry_after_ms: int | None = None) -> Instant | None:
    """When to try again after this many attempts, the first of them at `first_at`; None: give up."""
    after = AFTER_MS[min(attempts, len(AFTER_MS)) - 1]
    wait = max(after + round(after * JITTER * random.random()), retry_after_ms or 0)
    at = now + wait
    return at if at - first_at <= GIVEN_UP_AFTER_MS else None
