"""Links from processes to servers, on which requests are delayed or lost, lose their answer, or outlive their
sender."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final, Protocol, TypeVar

from aiokafka.errors import KafkaError  # type: ignore[import-untyped]
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.simulation.chance import Chance, Fate
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import PROCESS, Process

PATIENCE_S: Final = 2.0  # a client's request timeout
KILLED: Final = 137
OUTSIDE: Final = Context()  # the context of servers, which belong to no process
ANSWERS: Final = (KafkaError, DatabaseError)  # errors that a server returns
_T = TypeVar("_T")


class Unanswered(ConnectionError):
    """The request timed out; it may or may not have taken effect."""


class Link(Protocol):
    """How a client sends a request: `call` is what the server does, atomically, when the request arrives."""

    async def ask(self, what: str, call: Callable[[], _T]) -> _T: ...


class Direct:
    """A link without faults."""

    async def ask(self, what: str, call: Callable[[], _T]) -> _T:
        await asyncio.sleep(0)
        return call()


class Uncertain:
    """A process's link, on which requests may fail in any way. Raises Unanswered."""

    def __init__(self, loop: VirtualLoop, chance: Chance, process: Process) -> None:
        self._loop, self._chance, self._process = loop, chance, process

    async def ask(self, what: str, call: Callable[[], _T]) -> _T:
        fate = self._chance.fate()
        self._tell(what, fate)
        if fate is Fate.DIES_BEFORE:
            await self._die()
        answer: asyncio.Future[_T] = self._loop.create_future()
        if fate is not Fate.LOST:
            back_s = None if fate is Fate.ANSWER_LOST else self._chance.delay_s()
            arrive = self._arrival(call, answer, back_s)
            self._loop.call_later(self._chance.delay_s(), arrive, context=OUTSIDE)
        if fate is Fate.DIES_WAITING:
            await self._die()
        if fate is Fate.STOPS:
            self._stand_still()
        if fate in (Fate.LOST, Fate.ANSWER_LOST):
            await asyncio.sleep(PATIENCE_S)
            raise Unanswered(what)
        result = await answer
        if fate is Fate.DIES_AFTER:
            await self._die()
        return result

    def _arrival(self, call: Callable[[], Any], answer: "asyncio.Future[Any]", back_s: float | None) -> Any:
        own = _context_of(self._process)

        def arrive() -> None:
            try:
                give, what = answer.set_result, call()
            except ANSWERS as error:
                give, what = answer.set_exception, error
            if back_s is not None:
                self._loop.call_later(back_s, _unless_done, answer, give, what, context=own)

        return arrive

    async def _die(self) -> None:
        self._process.end(KILLED)
        await self._loop.create_future()

    def _stand_still(self) -> None:
        self._process.stop()
        self._loop.call_later(self._chance.standstill_s(), self._loop.go_on, self._process, context=OUTSIDE)

    def _tell(self, what: str, fate: Fate) -> None:
        if self._chance.trace is not None:
            self._chance.trace(f"{what} {fate.value}")


def _unless_done(answer: "asyncio.Future[Any]", give: Callable[[Any], None], what: Any) -> None:
    if not answer.done():
        give(what)


def _context_of(process: Process) -> Context:
    context = Context()
    context.run(PROCESS.set, process)
    return context
