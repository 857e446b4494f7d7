"""Questions to Kafka and ClickHouse, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from peserta.api.limits import Limits
from peserta.api.problems import Problem
from peserta.operations.failure import Failed

WAIT_LIMIT_S: Final = 5.0  # wait for a free place among the concurrent queries
RETRY_S: Final = 2

T = TypeVar("T")


class Turns:
    """The places for questions in a process."""

    def __init__(self, limits: Limits) -> None:
        self._free = asyncio.Semaphore(limits.answers_at_once)

    async def answer(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer. Raises Problem `not-now` if too many questions wait, or if it fails."""
        try:
            async with asyncio.timeout(WAIT_LIMIT_S):
                await self._free.acquire()
        except TimeoutError:
            raise Problem("not-now", "Too many questions are asked at the moment.", retry_after_s=RETRY_S) from None
        try:
            return await ask()
        except Failed as error:
            # Omit the error's text: it is for operators, and ClickHouse's may repeat a value.
            raise Problem(
                "not-now", "Kafka or ClickHouse does not answer at the moment.", retry_after_s=RETRY_S
            ) from error
        finally:
            self._free.release()
