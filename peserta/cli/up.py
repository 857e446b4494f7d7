"""`peserta up`: the whole service on this machine."""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final

import typer

from deploy.embedded.error import StartStopped
from deploy.embedded.stack import Stack
from peserta.cli.exit_codes import ExitCode
from peserta.cli.local_stack import LOGS_FOLDER, LocalStack, local_stack
from peserta.cli.refusals import refusals
from peserta.cli.screen import err, out
from peserta.cli.stop_signal import stop_on_signal
from peserta.operations.discovery import announce
from peserta.operations.failure import Interrupted, Unfit
from peserta.operations.generations import standing_book
from peserta.operations.health.asking import ask
from peserta.operations.making_topics import make_topics
from peserta.operations.opened import as_opened, known_of_book
from peserta.operations.remembered import recall, remember
from peserta.operations.service import Service
from peserta.settings import Settings, read_settings
from streams.settings import REPLAY

LOOK_EVERY_S: Final = 0.5
READY_LIMIT_S: Final = 60.0
RESTART_PAUSES_S: Final = (1, 2, 5, 10, 30)  # after one, two, ... ends within RESTART_FORGIVEN_S
RESTART_FORGIVEN_S: Final = 300.0


def up(
    clock: Annotated[str | None, typer.Option(help="wall, or replay for a book of history.")] = None,
) -> None:
    """Run the whole service here: Kafka, ClickHouse, recorder, book-keeper, sink, until Ctrl-C.

    What PESERTA_KAFKA and PESERTA_CLICKHOUSE_URL name is used; what is not configured is started, on loopback, with its
    data in PESERTA_DATA_DIR. Other commands find the running service by themselves. Kafka and ClickHouse have the
    ports that they had the last time; first 9092 and 8123, if nobody listens there.

    Example: peserta up
    """
    configured = read_settings(clock=clock)
    if configured.health_port > 0:
        raise Unfit(
            "PESERTA_HEALTH_PORT names one port, but three workers run here. Leave it out: each takes a free port, and "
            "`peserta health` finds it.",
        )
    stopping = stop_on_signal()
    try:
        with refusals(), local_stack(configured, "peserta up", console=err, say=_say, stopping=stopping) as local:
            _serve(_book_of(local.settings), local, stopping)
            if local.stack.processes:
                _say("Waiting for Kafka and ClickHouse to end.")
    except StartStopped:
        _say("Stopped before it was up.")


def _book_of(settings: Settings) -> Settings:
    """The settings as the book was opened, its topics made, and what only they know of it remembered."""
    last = recall(settings.data_dir)
    settings = as_opened(settings, asyncio.run(known_of_book(settings, last.grace_days)))
    asyncio.run(make_topics(standing_book(settings)))
    remember(
        settings.data_dir, replace(last, grace_days={**last.grace_days, settings.topic_prefix: settings.grace_days})
    )
    return settings


def _serve(settings: Settings, local: LocalStack, stopping: threading.Event) -> None:
    """The workers, until a signal, and their announcement for other commands."""
    announced = announce(settings)
    try:
        with Service(settings, settings.data_dir / LOGS_FOLDER, keep=(local.lock,), on_waiting=_say_waiting) as service:
            service.start()
            with err.status("Waiting until the workers are ready"):
                _wait_until_ready(settings, service, stopping)
            if not stopping.is_set():
                service.check()
                _say_up(settings)
            _keep_up(service, stopping, local.stack)
    finally:
        announced.unlink(missing_ok=True)


def _say(sentence: str) -> None:
    err.print(sentence, markup=False, soft_wrap=True)


def _say_waiting(roles: Sequence[str]) -> None:
    if roles:
        _say(f"Waiting for {', '.join(roles)} to finish what is under way.")


def _wait_until_ready(settings: Settings, service: Service, stopping: threading.Event) -> None:
    """Until every worker says so, or one has ended, or patience has: then it says what is lacking."""
    if settings.health_listens_on is None:
        return  # without endpoints nobody can be asked
    until_s = time.monotonic() + READY_LIMIT_S
    while not stopping.wait(LOOK_EVERY_S) and not service.ended():
        waiting = [health for health in ask(settings) if not health.ready]
        if not waiting:
            return
        if time.monotonic() > until_s:
            names = ", ".join(health.role for health in waiting)
            err.print(f"Not ready after {READY_LIMIT_S:.0f} s: {names}. `peserta health` says what they wait for.")
            return


def _say_up(settings: Settings) -> None:
    kind = "of history, whose dates come from the records" if settings.clock == REPLAY else "of the wall clock"
    out.print(f"Kafka       {settings.kafka}\nClickHouse  {settings.clickhouse_url.rpartition('@')[2]}")
    out.print(f"Book        {kind}; {settings.partitions} partitions, {settings.grace_days} days of grace")
    out.print(f"Logs        {settings.data_dir / 'logs'}\nTry         peserta publish FILE.ndjson · peserta coverage")
    out.print("[bold]Peserta is up.[/bold] Ctrl-C ends it.", markup=True)


def _check_parts(stack: Stack) -> None:
    """Failed when the Kafka or the ClickHouse that was started here has ended."""
    for process in stack.processes:
        if process.poll() is not None:
            raise Interrupted(
                f"{process.name} has ended. Its last words: {process.last_words()}\nIts log: {process.log}\n"
                "Start `peserta up` again: its data are kept.",
            )


def _keep_up(service: Service, stopping: threading.Event, stack: Stack) -> None:
    """Start workers again that ended with a code that asks for it; give up on one that refuses to run."""
    ends: dict[str, list[float]] = {}
    while not stopping.wait(LOOK_EVERY_S):
        _check_parts(stack)
        for role, code in service.ended().items():
            if code == ExitCode.WRONG_SETTINGS:
                service.check()
            recent = [at for at in ends.get(role, []) if time.monotonic() - at < RESTART_FORGIVEN_S]
            pause_s = RESTART_PAUSES_S[min(len(recent), len(RESTART_PAUSES_S) - 1)]
            ends[role] = [*recent, time.monotonic()]
            err.print(f"The {role} ended with exit code {code}; it is started again in {pause_s} s.")
            if not stopping.wait(pause_s):
                service.start(role)
