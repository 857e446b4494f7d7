"""The one fake of the log of facts: it holds acknowledgements until they are released, or refuses them."""

import asyncio
from collections.abc import Sequence

from peserta.intake.fact_log import Busy, NotAcknowledged
from schemas.fact_json import FactLine
from schemas.records import Coordinates, Fact
from tests.support.facts import FACTS_TOPIC


class HeldFactLog:
    """`held`: acknowledgements wait for `release`. `silent`: none ever comes, and what was sent may be there or not.
    `busy`: nothing is taken. One partition, offsets from 0."""

    def __init__(self, *, held: bool = False, silent: bool = False, busy: bool = False) -> None:
        self.held, self.silent, self.busy = held, silent, busy
        self.sent: list[Fact] = []  # what the log has, acknowledged or not
        self.calls = 0
        self.stopped = False
        self.has_been_called = asyncio.Event()
        self._released = asyncio.Event()

    async def append(self, facts: Sequence[FactLine]) -> Sequence[Coordinates]:
        """See FactLog."""
        self.calls += 1
        self.has_been_called.set()
        if self.busy:
            raise Busy("So many facts wait for Kafka that no more are taken now.")
        first = len(self.sent)
        if self.silent:
            self.sent += [fact for fact, _ in facts[: len(facts) // 2]]
            raise NotAcknowledged("Kafka has not acknowledged. Send all of them again.")
        self.sent += [fact for fact, _ in facts]
        if self.held:
            await self._released.wait()
        return [Coordinates(FACTS_TOPIC, 0, first + number) for number in range(len(facts))]

    def release(self) -> None:
        """Acknowledge what waits, and what comes later."""
        self._released.set()

    async def start(self) -> None:
        """It is there."""

    async def stop(self) -> None:
        """It was told to end."""
        self.stopped = True
