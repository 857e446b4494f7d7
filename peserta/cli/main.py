"""The command line `peserta`. It names the place of each command, and imports it when it is called."""

import gc
import logging
import sys
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from deploy.embedded.error import StackError
from peserta.cli.deferred import SETTINGS, Deferred
from peserta.cli.exit_codes import ExitCode, exit_code
from peserta.cli.pipes import quiet_pipes
from peserta.cli.screen import err, note_variables, print_version
from peserta.operations.failure import Failed, WrongSettings
from schemas.secret_file import SecretFault
from streams.lane.collector import GC_THRESHOLDS

# Panel -> name, place below peserta.cli, and the first paragraph of the command's own help.
COMMANDS: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "Run": (
        (
            "demo",
            "demo:demo",
            "Run a story through a real Kafka, the workers and ClickHouse, and prove every figure against the "
            "offline book.",
        ),
        (
            "up",
            "up:up",
            "Run the whole service here: Kafka, ClickHouse, recorder, book-keeper, sink, HTTP door, until Ctrl-C.",
        ),
        (
            "health",
            "health:health",
            "Show whether the workers are ready, how far behind they are, and what they wait for.",
        ),
        (
            "tick",
            "tick:tick",
            "Begin a business date in a book with `clock: replay`, after everything published so far.",
        ),
        ("worker", "worker:worker", "Run one worker of the service in this process, until SIGTERM."),
        ("topics", "topics:topics", "The Kafka topics of the installation."),
        ("clickhouse", "clickhouse:clickhouse", "The ClickHouse of the installation: migrations, roles."),
        ("schemas", "schemas:schemas", "The Avro schemas of the topics, and a schema registry that has them too."),
        (
            "api",
            "api:api",
            "Serve the HTTP door for other systems in this process, until SIGTERM: facts in, and what became of them.",
        ),
        ("keys", "keys:keys", "The keys with which other systems call the HTTP door."),
    ),
    "Publish": (
        (
            "publish",
            "publish:publish",
            "Publish the facts in files, one JSON object a line, and report the disposition of each.",
        ),
        (
            "roster",
            "roster:roster",
            "Compare the list of all workers of a company with the book, and publish the difference.",
        ),
        (
            "import",
            "import_sheet:import_sheet",
            "Read a sheet of facts, show how it was understood, and publish it with `--apply`.",
        ),
        ("policies", "reference:policies", "Set, try, end and list the policies that companies are watched under."),
        ("companies", "reference:companies", "Set and list the registry of companies."),
        ("subscriptions", "subscriptions:subscriptions", "Who is told of which alerts."),
        ("token", "token:token", "Make the key of people's tokens, and tokens of their numbers."),
    ),
    "Ask": (
        (
            "coverage",
            "ask:coverage",
            "Show the coverage of every company, or of one company with its policies, from ClickHouse.",
        ),
        (
            "alerts",
            "alerts:alerts",
            "Show the alerts in the alert topic, firing and resolved, in order of recording.",
        ),
        (
            "ask",
            "questions:ask",
            "Answer a question of analysts from ClickHouse; without a name, list the questions.",
        ),
        (
            "statement",
            "statement:statement",
            "State the account of a company: opening figures, each change and what caused it, closing figures.",
        ),
        ("notices", "notices:notices", "What was told to whom, and what became of it."),
        (
            "sql",
            "ask:sql",
            "Query ClickHouse, read only. Rows that are too wide for the terminal are shown with one field a line.",
        ),
    ),
    "Prove": (
        (
            "simulate",
            "simulate:simulate",
            "Fold files of facts offline, with the same rules as the service, and print what the service would.",
        ),
        (
            "audit",
            "audit:audit",
            "Fold the journal again and compare everything with the result: ledger, alerts, snapshots, dead letters, "
            "state, ClickHouse.",
        ),
        (
            "rebuild",
            "rebuild:rebuild",
            "Fold the journal again with this code and these settings, beside the current book, check the result, and "
            "switch to it.",
        ),
        (
            "seal",
            "audit:take_seal",
            "Audit the book and print the heads of its ledger's hash chains, to be kept elsewhere, for example in the "
            "minutes of a meeting.",
        ),
        ("journal", "journal:journal", "Export the journal."),
    ),
}


class Commands(TyperGroup):
    """The group of all commands. Only the command that is called is imported."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for panel, commands in COMMANDS.items():
            for name, place, summary in commands:
                self.add_command(Deferred(name, panel, f"peserta.cli.{place}", summary))


app = typer.Typer(
    name="peserta",
    cls=Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    **SETTINGS,
)


@app.callback()
def quiet(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=print_version, is_eager=True)
    ] = False,
) -> None:
    """The live, provable book of who is covered: facts in, coverage tables and alerts out."""
    note_variables()
    if context.invoked_subcommand != "worker":
        # The clients of Kafka and ClickHouse log every retry; a command reports failures itself.
        for name in ("aiokafka", "clickhouse_connect"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def main() -> NoReturn:
    """Run the command. A failure becomes a sentence on standard error and an exit code."""
    gc.set_threshold(*GC_THRESHOLDS)
    with quiet_pipes():
        _run()


def _run() -> NoReturn:
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
        sys.exit(ExitCode.DONE)
    except WrongSettings as error:
        _end(f"{error}. Correct the variable and start again.", ExitCode.WRONG_SETTINGS)
    except Failed as error:
        _end(str(error), exit_code(error))
    except SecretFault as error:
        _end(str(error), ExitCode.WRONG_SETTINGS)
    except StackError as error:
        _end(str(error), ExitCode.UNAVAILABLE)


def _end(sentence: str, code: ExitCode) -> NoReturn:
    err.print(f"peserta: {sentence}")
    sys.exit(code)


if __name__ == "__main__":
    main()
