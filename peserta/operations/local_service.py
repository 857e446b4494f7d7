"""The whole service on this machine: the stack of a data directory, its book, and the workers, started together and
looked after until somebody stops it."""

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
from peserta.operations.service import API, ROLES, Service
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from streams.lane.stop_code import StopCode

LOOK_EVERY_S: Final = 0.5
READY_LIMIT_S: Final = 60.0
DOOR_LIMIT_S: Final = 30.0
RESTART_PAUSES_S: Final = (1, 2, 5, 10, 30)  # after one, two, ... ends within RESTART_FORGIVEN_S
RESTART_FORGIVEN_S: Final = 300.0

Say = Callable[[str], None]
OnRestart = Callable[[str, int, int], None]  # called with a worker's role, its exit code, the pause in seconds


@dataclass(frozen=True)
class LocalService:
    """A service that was started here: the settings with its addresses, its workers, and the processes of Kafka and
    ClickHouse as far as they are its own."""

    settings: Settings
    service: Service
    parts: Sequence[Process]
    stopping: threading.Event

    def wait_until_ready(self) -> tuple[str, ...]:
        """Return when every worker says that it is ready, when one has ended, or when it is stopped. After
        READY_LIMIT_S it gives the roles that are not ready."""
        if self.settings.health_listens_on is None:
            return ()  # without endpoints nobody can be asked
        until_s = time.monotonic() + READY_LIMIT_S
        while not self.stopping.wait(LOOK_EVERY_S) and not self.service.ended():
            waiting = tuple(health.role for health in ask(self.settings) if not health.ready)
            if not waiting or time.monotonic() > until_s:
                return waiting
        return ()

    def door(self) -> str | None:
        """Where the HTTP door is, once its process has said so. None when it does not within DOOR_LIMIT_S, and when its
        libraries are not installed."""
        process, until_s = self.service.processes.get(API), time.monotonic() + DOOR_LIMIT_S
        while process is not None and process.poll() is None and time.monotonic() < until_s:
            for place in places_of(self.settings.data_dir, API):
                if place.pid == process.pid:
                    return place.url
            if self.stopping.wait(LOOK_EVERY_S):
                break
        return None

    def keep_up(self, on_restart: OnRestart) -> None:
        """Until it is stopped, start workers again that ended with a code that asks for it. Failed when one refuses to
        run, and when Kafka or ClickHouse has ended."""
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
    """Failed when the Kafka or the ClickHouse that was started here has ended."""
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
    """The workers, started, while inside; other commands find them by their announcement.

    `command` is the name under which others see who has the data directory; `say` is told what the start and the end
    wait for. Failed when settings, data directory or book do not fit; StackError; StartStopped when `stopping` is set
    before it is up.
    """
    if configured.health_port > 0:
        raise Unfit(
            "PESERTA_HEALTH_PORT names one port, but three workers run here. Leave it out: each takes a free port, and "
            "`peserta health` finds it.",
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
                # The door needs the extra `api`; the rest works without it.
                service.start(*ROLES, *((API,) if find_spec("fastapi") else ()))
                yield LocalService(settings, service, parts, stopping)
        finally:
            announced.unlink(missing_ok=True)
        if parts:
            say("Waiting for Kafka and ClickHouse to end.")


async def _open_book(settings: Settings) -> Settings:
    """The settings as the book was opened, its topics made, and what only they know of it remembered."""
    last = recall(settings.data_dir)
    settings = as_opened(settings, await known_of_book(settings, last.grace_days))
    await make_topics(await current_book(settings))
    remember(
        settings.data_dir, replace(last, grace_days={**last.grace_days, settings.topic_prefix: settings.grace_days})
    )
    return settings
