"""The machine of the simulation: time, processes that die or are suspended, requests that outlive their sender."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

import pytest

from tests.simulation.chance import Chance, Fate
from tests.simulation.link import Unanswered, Uncertain
from tests.simulation.loop import Stalled, VirtualLoop
from tests.simulation.process import Ended, Process, exit_process

LIMIT_S = 1_000_000.0


class Fated(Chance):
    """Gives every request the same fate."""

    def __init__(self, fate: Fate) -> None:
        super().__init__(1)
        self._fate = fate

    def fate(self) -> Fate:
        return self._fate


class Bench:
    """A loop with one process; `run` takes its main program."""

    def __init__(self, fate: Fate = Fate.ANSWERED) -> None:
        self.loop, self.ends, self.done = VirtualLoop(), list[int](), list[str]()
        self.process = Process("one", lambda _, code: self.ends.append(code))
        self.link = Uncertain(self.loop, Fated(fate), self.process)

    def run(self, main: Coroutine[Any, Any, None], until_s: float = 60) -> None:
        async def start() -> None:
            await main

        Context().run(self.process.start, self.loop, start)
        self.loop.call_later(until_s, lambda: None)
        self.loop.run_until(lambda: self.loop.time() >= until_s, LIMIT_S)

    async def ask(self) -> None:
        await self.link.ask("", lambda: self.done.append("done by the server"))
        self.done.append("answered")


def test_time_passes_only_by_what_waits_for_it() -> None:
    bench = Bench()

    async def wait() -> None:
        for number, pause_s in enumerate((86_400, 0, 3)):
            await asyncio.sleep(pause_s)
            bench.done.append(f"{number} {bench.loop.time():.0f}")

    bench.run(wait(), 100_000)
    assert bench.done == ["0 86400", "1 86400", "2 86403"]
    assert bench.ends == [0]


def test_what_is_ready_runs_in_the_order_in_which_it_became_ready() -> None:
    bench = Bench()

    async def begin() -> None:
        async def one(name: str) -> None:
            bench.done.append(f"{name}1")
            await asyncio.sleep(0)
            bench.done.append(f"{name}2")

        await asyncio.gather(one("a"), one("b"))

    bench.run(begin())
    assert bench.done == ["a1", "b1", "a2", "b2"]


def test_what_never_comes_is_told() -> None:
    with pytest.raises(Stalled):
        VirtualLoop().run_until(lambda: False, LIMIT_S)


def test_a_dead_process_takes_no_more_steps_and_no_finally_runs() -> None:
    bench = Bench()

    async def work() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            bench.done.append("finally")

    bench.loop.call_later(5, lambda: bench.process.end(137))
    bench.run(work())
    assert (bench.done, bench.ends) == ([], [137])


def test_a_process_that_leaves_at_once_ends_with_its_code() -> None:
    bench = Bench()

    async def leave() -> None:
        with pytest.raises(Ended):
            exit_process(70)
        await asyncio.sleep(0)
        bench.done.append("went on")

    bench.run(leave())
    assert (bench.done, bench.ends) == ([], [70])


def test_a_stopped_process_takes_its_steps_when_it_goes_on() -> None:
    bench = Bench()

    async def wait() -> None:
        for _ in range(2):
            await asyncio.sleep(1)
            bench.done.append(f"{bench.loop.time():.0f}")

    bench.loop.call_later(0.5, bench.process.stop)
    bench.loop.call_later(30, bench.loop.go_on, bench.process)
    bench.run(wait())
    assert bench.done == ["30", "31"]


@pytest.mark.parametrize(
    ("fate", "done", "ends"),
    [
        (Fate.ANSWERED, ["done by the server", "answered"], [0]),
        (Fate.DIES_BEFORE, [], [137]),
        (Fate.DIES_WAITING, ["done by the server"], [137]),
        (Fate.DIES_AFTER, ["done by the server"], [137]),
        (Fate.STOPS, ["done by the server", "answered"], [0]),
    ],
)
def test_a_request_has_its_fate(fate: Fate, done: list[str], ends: list[int]) -> None:
    bench = Bench(fate)
    bench.run(bench.ask())
    assert (bench.done, bench.ends) == (done, ends)


@pytest.mark.parametrize(("fate", "done"), [(Fate.LOST, []), (Fate.ANSWER_LOST, ["done by the server"])])
def test_who_gets_no_answer_does_not_know_whether_it_was_done(fate: Fate, done: list[str]) -> None:
    bench = Bench(fate)

    async def ask() -> None:
        with pytest.raises(Unanswered):
            await bench.ask()

    bench.run(ask())
    assert (bench.done, bench.ends) == (done, [0])
