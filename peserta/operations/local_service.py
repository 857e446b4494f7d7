"""The whole service on this machine: the stack of a data directory, its book and workers, supervised until a stop."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Final

from deploy.embedded.process import Process
from deploy.embedded.stack import Terminal
from peserta.operations.discovery import announce
from peserta.operations.failure import Interrupted, Unfit
from peserta.operations.generations import current_book
from peserta.operations.health.asking import ask
from peserta.operations.health.place import places_of
from peserta.operations.local_stack import LOGS_FOLDER, local_stack
from peserta.operations.opened import as_opened, known_of_book
from peserta.operations.remembered import recall, remember
from peserta.operations.service import API, NOTIFIER, ROLES, Service
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from streams.lane.stop_code import StopCode

LOOK_EVERY_S: Final = 0.5
READY_LIMIT_S: Final = 60.0
DOOR_LIMIT_S: Final = 30.0
RESTART_PAUSES_S: Final = (1, 2, 5, 10, 30)  # pauses after the first, second, ... end within RESTART_FORGIVEN_S
RESTART_FORGIVEN_S: Final = 300.0
# Role -> a library of the extra that it needs: `notices`, `api`. The rest works without them.
WITH_EXTRA: Final = {NOTIFIER: "aiosmtplib", API: "fastapi"}

Say = Callable[[str], None]
OnRestart = Callable[[str, int, int], None]  # called with a worker's role, its exit code, the pause in seconds


@dataclass(frozen=True)
class LocalService:
    """A service that was started here: the settings with its addresses, its workers, and the Kafka and ClickHouse
    processes that it started itself."""

    settings: Settings
    service: Service
    parts: Sequence[Process]
    stopping: threading.Event

    def wait_until_ready(self) -> tuple[str, ...]:
        """Wait until every worker is ready, one has ended, or the service is stopped.

        Returns the roles that are not ready after READY_LIMIT_S, otherwise an empty tuple.
        """
        if self.settings.health_listens_on is None:
            return ()  # without endpoints no worker can be asked
        until_s = time.monotonic() + READY_LIMIT_S
        while not self.stopping.wait(LOOK_EVERY_S) and not self.service.ended():
            waiting = tuple(health.role for health in ask(self.settings) if not health.ready)
            if not waiting or time.monotonic() > until_s:
                return waiting
        return ()

    def door(self) -> str | None:
        """The address of the HTTP door, once its process has announced it.

        None if it does not within DOOR_LIMIT_S, or if its libraries are not installed.
        """
        process, until_s = self.service.processes.get(API), time.monotonic() + DOOR_LIMIT_S
        while process is not None and process.poll() is None and time.monotonic() < until_s:
            for place in places_of(self.settings.data_dir, API):
                if place.pid == process.pid:
                    return place.url
            if self.stopping.wait(LOOK_EVERY_S):
                break
        return None

    def keep_up(self, on_restart: OnRestart) -> None:
        """Until a stop, restart workers that ended with an exit code that asks for it.

        Raises Failed if a worker refuses to run, or if Kafka or ClickHouse has ended.
        """
        ends: dict[str, list[float]] = {}
        while not self.stopping.wait(LOOK_EVERY_S):
            check_parts(self.parts)
            for role, code in self.service.ended().items():
                if code == StopCode.REFUSE:
                    self.service.check()
                recent = [at for at in ends.get(role, []) if time.monotonic() - at < RESTART_FORGIVEN_S]
                pause_s = RESTART_PAUSES_S[min(len(recent), len(RESTART_PAUSES_S) - 1)]
                ends[role] = [*recent, time.monotonic()]
                on_restart(role, code, pause_s)
                if not self.stopping.wait(pause_s):
                    self.service.start(role)


def check_parts(parts: Sequence[Process]) -> None:
    """Raises Failed if the Kafka or the ClickHouse that was started here has ended."""
    for process in parts:
        if process.poll() is not None:
            raise Interrupted(
                f"{process.name} has ended. Its last words: {process.last_words()}\nIts log: {process.log}\n"
                "Start `peserta up` again: its data is kept.",
            )


@contextmanager
def local_service(
    configured: Settings, command: str, *, terminal: Terminal, say: Say, stopping: threading.Event
) -> Iterator[LocalService]:
    """Run the workers while inside the context; other commands find them by their announcement.

    `command` is the name shown to others as the holder of the data directory. `say` gets messages about what the start
    and the stop wait for. Raises Failed if settings, data directory or book do not fit, StackError, and StartStopped if
    `stopping` is set before the service is up.
    """
    if configured.health_port > 0:
        raise Unfit(
            "PESERTA_HEALTH_PORT names one port, but several workers run here. Leave it out: each takes a free port, "
            "and `peserta health` finds it.",
        )

    def on_waiting(roles: Sequence[str]) -> None:
        if roles:
            say(f"Waiting for {', '.join(roles)} to finish batches in flight.")

    with local_stack(configured, command, terminal=terminal, say=say, stopping=stopping) as local:
        settings, parts = asyncio.run(_open_book(local.settings)), local.stack.processes
        announced = announce(settings)
        try:
            logs = settings.data_dir / LOGS_FOLDER
            with Service(settings, logs, keep=(local.lock,), on_waiting=on_waiting) as service:
                service.start(*ROLES, *(role for role, needs in WITH_EXTRA.items() if find_spec(needs)))
                yield LocalService(settings, service, parts, stopping)
        finally:
            announced.unlink(missing_ok=True)
        if parts:
            say("Waiting for Kafka and ClickHouse to end.")


async def _open_book(settings: Settings) -> Settings:
    """Create the book's topics, remember the settings that only they know, and return the settings of the book."""
    last = recall(settings.data_dir)
    settings = as_opened(settings, await known_of_book(settings, last.grace_days))
    await make_topics(await current_book(settings))
    remember(
        settings.data_dir, replace(last, grace_days={**last.grace_days, settings.topic_prefix: settings.grace_days})
    )
    return settings
