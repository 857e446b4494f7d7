"""One schedule. Processes start, end at random and are restarted until everything is published. Then everything is
restarted without faults, processes what is left, and is checked.
"""

import contextlib
import io
import os
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import patch

from streams.lane.stop_code import StopCode
from streams.settings import WALL
from tests.simulation.controls import Control
from tests.simulation.judgement import judge
from tests.simulation.link import KILLED, OUTSIDE
from tests.simulation.loop import Stalled, VirtualLoop
from tests.simulation.process import Process, exit_process
from tests.simulation.roles import carry, keep_books, publish, record
from tests.simulation.scene import Scene

TELLING_LIMIT_S: Final = 600.0
AFTERWARDS_S: Final = 8.0  # faults go on for so long after the last fact
ARRIVAL_LIMIT_S: Final = 300.0
LOOK_S: Final = 0.5
RESTART_S: Final = (0.1, 3.0)
LEAVES_MAX: Final = 3
CLOCKS_SET_MAX: Final = 3
CLOCK_OFF_MS: Final = (-(10**12), -90_000_000, -3_601_000, -1_800_000, 1_800_000, 3_605_000, 90_000_000, 10**12)
ON_DISK_EACH: Final = 20
Role = Callable[[Scene, Process], Coroutine[Any, Any, None]]


@dataclass
class Verdict:
    """The result of one schedule. `wrong` has sentences; it is empty if all is well."""

    seed: int
    records: int = 0
    repeats: int = 0
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class World:
    """The processes of one schedule."""

    def __init__(self, seed: int, trace: Callable[[str], None] | None, state_folder: Path | None) -> None:
        self.loop = VirtualLoop()
        self._trace = trace
        self.scene = Scene(seed, self.loop, self._tell if trace else None, state_folder)
        self.verdict = Verdict(seed)
        self._running: set[Process] = set()
        self._is_over = False
        rng = self.scene.chance.rng
        self._crew: dict[str, Role] = {"publisher": publish, "sink": carry}
        self._crew |= {f"recorder-{number}": record for number in range(rng.choice((1, 2)))}
        self._crew |= {f"book-keeper-{number}": keep_books for number in range(rng.choice((1, 2, 3)))}
        clocks_set = rng.randrange(CLOCKS_SET_MAX + 1) if self.scene.settings.clock == WALL else 0
        self._clocks_set_s = sorted(rng.uniform(0, 15) for _ in range(clocks_set))
        self._leaves_s = sorted(rng.uniform(1, 15) for _ in range(rng.randrange(LEAVES_MAX + 1)))

    def run(self, broken: AbstractContextManager[None]) -> Verdict:
        """Run to the end and judge. `broken` holds until the judgement, which uses the service's own code."""
        said = io.StringIO()
        with patch.object(os, "_exit", exit_process), contextlib.redirect_stderr(said):
            try:
                with broken:
                    self._tell_all()
                    self._arrive()
                self.verdict.wrong += judge(self.scene, self.verdict)
            except Stalled as error:
                self.verdict.wrong.append(f"{error}; {self._where()}")
            finally:
                self.loop.forget()
                for host in self.scene.hosts.values():
                    host.states.close()
        scene, verdict = self.scene, self.verdict
        verdict.records, verdict.steps = len(scene.acknowledged), self.loop.steps
        verdict.faults.update(scene.chance.faults)
        if self._trace is not None:
            self._trace(said.getvalue())
        return verdict

    def _tell_all(self) -> None:
        for name in self._crew:
            self._start(name)
        for at_s in self._leaves_s:
            self.scene.later(at_s, self._one_leaves)
        for at_s in self._clocks_set_s:
            self.scene.later(at_s, self._a_clock_is_set)
        self._until(lambda: not self.scene.waiting, TELLING_LIMIT_S)
        until_s = self.loop.time() + AFTERWARDS_S
        self._until(lambda: self.loop.time() >= until_s, TELLING_LIMIT_S)

    def _arrive(self) -> None:
        """Restart everything without faults, so that only what is durable remains, and wait until all is processed."""
        self._is_over = self.scene.chance.is_calm = True
        self.scene.clocks_off_ms.clear()
        for process in sorted(self._running, key=lambda process: process.name):
            process.end(KILLED)
        for name in self._crew:
            self._start(name)
        self._until(self.scene.has_arrived, ARRIVAL_LIMIT_S)

    def _until(self, holds: Callable[[], bool], limit_s: float) -> None:
        """Run until `holds`, checking at intervals; stop if a process refuses to run."""
        found = False

        def look() -> None:
            nonlocal found
            found = holds() or bool(self.verdict.wrong)
            if not found:
                self.scene.later(LOOK_S, look)

        self.scene.later(LOOK_S, look)
        self.loop.run_until(lambda: found, limit_s)
        if self.verdict.wrong:
            raise Stalled("a process ended for good")

    def _start(self, name: str) -> None:
        process, role = Process(name, self._ended), self._crew[name]
        self._running.add(process)
        self._tell(f"{name} starts")
        Context().run(process.start, self.loop, lambda: role(self.scene, process))

    def _ended(self, process: Process, code: int) -> None:
        name = process.name
        self._running.discard(process)
        host = self.scene.hosts.pop(process, None)
        if host is not None:
            self.scene.bury(host.states)
        self.verdict.ends[code] += 1
        self._tell(f"{name} ends with {code} {process.error or ''}")
        if code == StopCode.REFUSE and self.scene.clocks_off_ms.pop(name, None) is not None:
            self._start_later(name)  # its clock was put right
        elif code == StopCode.REFUSE:
            self.verdict.wrong.append(f"{name} refuses to run: {process.error}")
        elif self._is_over and code not in (0, KILLED):
            self.verdict.wrong.append(f"{name} ended with {code} though nothing happened: {process.error}")
        elif name != "publisher" or code:
            self._start_later(name)

    def _start_later(self, name: str) -> None:
        delay_s = self.scene.chance.rng.uniform(*RESTART_S)
        self.loop.call_later(delay_s, self._start_again, name, context=OUTSIDE)

    def _start_again(self, name: str) -> None:
        if not self._is_over:
            self._start(name)

    def _one_leaves(self) -> None:
        """Ask a worker to stop, as SIGTERM does."""
        hosts = list(self.scene.hosts.values())
        if hosts and not self._is_over:
            self.scene.chance.note("IS_ASKED_TO_END")
            self.scene.chance.rng.choice(hosts).stopping = True

    def _a_clock_is_set(self) -> None:
        """Set the clock of a recorder's machine, at any moment."""
        if not self._is_over:
            rng = self.scene.chance.rng
            name = rng.choice([name for name, role in self._crew.items() if role is record])
            self.scene.clocks_off_ms[name] = rng.choice(CLOCK_OFF_MS)
            self.scene.chance.note("A_CLOCK_IS_SET")

    def _tell(self, what: str) -> None:
        if self._trace is not None:
            self._trace(f"{self.loop.time():9.4f} {what}")

    def _where(self) -> str:
        return f"{len(self.scene.waiting)} of {self.scene.told} not published; {self.scene.places()}"


def run_schedule(
    seed: int,
    trace: Callable[[str], None] | None = None,
    *,
    is_on_disk: bool | None = None,
    control: Control | None = None,
) -> Verdict:
    """Run the schedule of a seed: the same steps every time, each reported to `trace`. `is_on_disk`: where the state
    is; None: on disk with every ON_DISK_EACH-th seed. `control`: run a broken variant.
    """
    on_disk = seed % ON_DISK_EACH == 0 if is_on_disk is None else is_on_disk
    state = random.getstate()
    random.seed(seed)  # libraries draw their retry pauses from it
    try:
        with TemporaryDirectory() as folder:
            broken = control.present(Path(folder)) if control else nullcontext()
            return World(seed, trace, Path(folder, "state") if on_disk else None).run(broken)
    finally:
        random.setstate(state)
