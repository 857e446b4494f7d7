"""`peserta health`: are the workers ready?"""

from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from peserta.cli.screen import out, print_json, table
from peserta.operations.discovery import find_installation
from peserta.operations.failure import NotAsAsked
from peserta.operations.health.asking import Health, ask


class Role(StrEnum):
    """The processes of a service, as peserta.operations.service names them."""

    RECORDER = "recorder"
    BOOKKEEPER = "bookkeeper"
    SINK = "sink"
    NOTIFIER = "notifier"
    API = "api"


def health(
    role: Annotated[Role | None, typer.Argument(help="Ask this worker only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show whether the workers are ready, how far behind they are, and what they wait for.

    Asks all workers that run with this PESERTA_DATA_DIR, where each records its endpoint; notifiers and HTTP doors if
    there are any. If there is no worker, asks
    PESERTA_HEALTH_PORT. `behind` is the number of offsets that a worker still has to read, or a dash if it has read
    nothing since its start. Exit code 0 only if each requested role has a worker and all of them are ready.

    Example: peserta health · peserta health recorder --json
    """
    found = ask(find_installation(), [role] if role else ())
    if as_json:
        print_json({"ready": all(worker.ready for worker in found), "workers": [_fields(worker) for worker in found]})
    else:
        out.print(
            table(
                "",
                ("worker", "process", "state", "behind", "waits for", "endpoint"),
                map(_row, found),
                right=("process", "behind"),
                prose=("waits for",),
            )
        )
    missing = [_name(worker) for worker in found if not worker.ready]
    if missing:
        raise NotAsAsked(f"Not ready: {', '.join(missing)}.")


def _name(worker: Health) -> str:
    return worker.role if worker.pid is None else f"{worker.role} (process {worker.pid})"


def _fields(worker: Health) -> dict[str, object]:
    return {
        "role": worker.role,
        "pid": worker.pid,
        "ready": worker.ready,
        "waits_for": dict(worker.waits_for),
        "behind": worker.behind,
        "lag": dict(worker.lag),
        "url": worker.url,
    }


def _row(worker: Health) -> tuple[object, ...]:
    state = Text("● ready", style="green") if worker.ready else Text("▲ not ready", style="red")
    behind = "–" if worker.behind is None else worker.behind
    return worker.role, worker.pid, state, behind, " ".join(worker.waits_for.values()), worker.url
