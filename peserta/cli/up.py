"""`peserta up`: the whole service on this machine."""

from typing import Annotated

import typer

from deploy.embedded.error import StartStopped
from peserta.cli.screen import err, out
from peserta.cli.stop_signal import stop_on_signal
from peserta.operations.local_service import READY_LIMIT_S, local_service
from peserta.settings import Settings, read_settings
from streams.settings import REPLAY


def up(
    clock: Annotated[str | None, typer.Option(help="wall, or replay for a book of history.")] = None,
) -> None:
    """Run the whole service here: Kafka, ClickHouse, recorder, book-keeper, sink, HTTP door, until Ctrl-C.

    It uses the servers in PESERTA_KAFKA and PESERTA_CLICKHOUSE_URL. What is not configured it starts on loopback, with
    data in PESERTA_DATA_DIR. Other commands find the running service by themselves. Kafka and ClickHouse get the ports
    that they had last time; at first 9092 and 8123, if they are free.

    Example: peserta up
    """
    configured = read_settings(clock=clock)
    stopping = stop_on_signal()
    try:
        with local_service(configured, "peserta up", terminal=err, say=_say, stopping=stopping) as running:
            with err.status("Waiting until the workers are ready"):
                not_ready = running.wait_until_ready()
            if not_ready:
                names = ", ".join(not_ready)
                err.print(f"Not ready after {READY_LIMIT_S:.0f} s: {names}. `peserta health` says what they wait for.")
            if not stopping.is_set():
                running.service.check()
                _say_up(running.settings, running.door())
            running.keep_up(_say_restart)
    except StartStopped:
        _say("Stopped before it was up.")


def _say(sentence: str) -> None:
    err.print(sentence, markup=False, soft_wrap=True)


def _say_restart(role: str, code: int, pause_s: int) -> None:
    err.print(f"The {role} ended with exit code {code}; it will be restarted in {pause_s} s.")


def _say_up(settings: Settings, door: str | None) -> None:
    kind = "of history, whose dates come from the records" if settings.clock == REPLAY else "of the wall clock"
    out.print(f"Kafka       {settings.kafka}\nClickHouse  {settings.clickhouse_url.rpartition('@')[2]}")
    if door is not None:
        out.print(f"HTTP door   {door}/docs")
    out.print(f"Book        {kind}; {settings.partitions} partitions, {settings.grace_days} days of grace")
    out.print(f"Logs        {settings.data_dir / 'logs'}\nTry         peserta publish FILE.ndjson · peserta coverage")
    out.print("[bold]Peserta is up.[/bold] Ctrl-C ends it.", markup=True)
