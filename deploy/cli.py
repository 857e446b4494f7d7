"""The command line `peserta`: the one place that knows all rooms."""

import gc
import logging
import os
import sys
from typing import NoReturn

import typer

from deploy.commands import audit, book, demo, health, publish, rebuild, reference, serve, simulate, work
from deploy.commands.screen import err
from deploy.embedded.error import StackError
from deploy.failure import CommandFailed, ExitCode
from deploy.settings import WrongSettings
from streams.lane import GC_THRESHOLDS

app = typer.Typer(
    name="peserta",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def quiet(context: typer.Context) -> None:
    """The live, provable book of who is covered: facts in, coverage tables and alerts out."""
    if context.invoked_subcommand != "worker":
        # The Kafka client's log tells of every retry; what a command cannot do it says itself.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


app.command(rich_help_panel="Run")(demo.demo)
app.command(rich_help_panel="Run")(serve.up)
app.add_typer(work.worker, name="worker", rich_help_panel="Run")
app.add_typer(serve.topics, name="topics", rich_help_panel="Run")
app.command(rich_help_panel="Run")(health.health)
app.command(rich_help_panel="Run")(book.tick)
app.command(rich_help_panel="Publish")(publish.publish)
app.add_typer(reference.policies, name="policies", rich_help_panel="Publish")
app.add_typer(reference.companies, name="companies", rich_help_panel="Publish")
app.command(rich_help_panel="Ask")(book.coverage)
app.command(rich_help_panel="Ask")(book.alerts)
app.command(rich_help_panel="Ask")(book.sql)
app.command(rich_help_panel="Prove")(simulate.simulate)
app.add_typer(book.journal, name="journal", rich_help_panel="Prove")
app.command(rich_help_panel="Prove")(audit.audit)
app.command(rich_help_panel="Prove")(rebuild.rebuild)
app.command("seal", rich_help_panel="Prove")(audit.take_seal)


def main() -> NoReturn:
    """Run the command; what went wrong is a sentence on standard error and an exit code (deploy.failure)."""
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        app()
        sys.exit(ExitCode.DONE)
    except CommandFailed as error:
        _end(str(error), error.code)
    except BrokenPipeError:
        # The reader has seen enough (`| head`): nothing is left to say, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.NOT_AS_ASKED)
    except WrongSettings as error:
        _end(f"{error}. Mend the variable and start again.", ExitCode.WRONG_SETTINGS)
    except StackError as error:
        _end(str(error), ExitCode.UNAVAILABLE)


def _end(sentence: str, code: ExitCode) -> NoReturn:
    err.print(f"peserta: {sentence}", markup=False, soft_wrap=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
