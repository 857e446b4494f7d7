"""Waiting for a condition with a limit, instead of sleeping."""

from collections.abc import Callable

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

LIMIT_S = 120.0  # on a machine that does much else; where the condition comes about it costs nothing
INTERVAL_S = 0.05


def wait_until(condition: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Return when the condition holds. Raises tenacity.RetryError when it does not within the limit."""
    Retrying(retry=retry_if_result(lambda held: not held), wait=wait_fixed(INTERVAL_S), stop=stop_after_delay(limit_s))(
        condition
    )
