"""`peserta worker`: one worker of the service in this process. A worker imports only what it needs itself."""

from typing import Any, Final

import typer
from typer.core import TyperGroup

from peserta.cli.deferred import Deferred

# Name, place below peserta.cli.workers, and the first paragraph of the command's own help.
WORKERS: Final = (
    ("recorder", "stream:run_recorder", "Inbound topics -> journal and dead letters."),
    ("bookkeeper", "stream:run_bookkeeper", "Journal -> ledger, snapshots, alerts."),
    ("sink", "sink:run_sink_worker", "Journal, ledger, snapshots, alerts, dead letters -> ClickHouse."),
    (
        "notifier",
        "notifier:run_notifier_worker",
        "Alerts -> the people who subscribe to them, by webhook, e-mail, chat or Alertmanager.",
    ),
)


class Workers(TyperGroup):
    """The group of the workers."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, place, summary in WORKERS:
            self.add_command(Deferred(name, None, f"peserta.cli.workers.{place}", summary, within="worker "))


worker = typer.Typer(
    cls=Workers, no_args_is_help=True, help="Run one worker of the service in this process, until SIGTERM."
)


@worker.callback()
def _workers() -> None: ...
