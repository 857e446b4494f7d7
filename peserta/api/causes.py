"""What an operator must set right, behind a problem that a caller is told: logged, for its text is not for callers."""

import logging
from collections.abc import Callable
from typing import Final

from peserta.operations.failure import Unfit
from schemas.kafka.refusal import forbidden
from schemas.records import Instant

AGAIN_MS: Final = 60_000  # every call may have the same cause, so it is logged at most so often
CAUSES_MAX: Final = 100

log = logging.getLogger(__name__)


class Causes:
    """The causes that were logged lately."""

    def __init__(self, now: Callable[[], Instant]) -> None:
        self._now = now
        self._logged: dict[str, Instant] = {}

    def note(self, problem: BaseException) -> None:
        """Log what is behind the problem if settings or rights are, and not the moment or the caller."""
        sentence = forbidden(problem) or _unfit(problem)
        now = self._now()
        if sentence is None or now - self._logged.get(sentence, now - AGAIN_MS) < AGAIN_MS:
            return
        if len(self._logged) >= CAUSES_MAX:
            self._logged.clear()
        self._logged[sentence] = now
        log.warning("Calls cannot be answered: %s", sentence)


def _unfit(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, Unfit):
            return str(error)
        error = error.__cause__
    return None
