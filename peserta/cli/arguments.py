"""Arguments that several commands share, with their help."""

from collections.abc import Sequence
from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer

from schemas.dates import day, instant, instant_text
from streams.core.book import GRACE_DAYS_MAX


def _date(text: str) -> str:
    try:
        day(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date: write it YYYY-MM-DD") from error
    return text


def optional_date(text: str | None) -> str | None:
    """An optional date; a wrong one is a usage error."""
    return None if text is None else _date(text)


def optional_instant(text: str | None) -> str | None:
    """An optional instant; one without an offset, or one that does not exist, is a usage error."""
    try:
        return None if text is None else instant_text(instant(text))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: {error}") from error


FactFiles = Annotated[
    list[Path],
    typer.Argument(help="Files of facts, one JSON object a line; - is standard input.", metavar="FILE.ndjson..."),
]
AsOf = Annotated[str, typer.Option(help="The date of the figures, YYYY-MM-DD.", callback=_date, metavar="DATE")]
DateArgument = Annotated[str, typer.Argument(help="A business date, YYYY-MM-DD.", callback=_date, metavar="DATE")]
PoliciesFile = Annotated[Path | None, typer.Option(help="Policies, YAML.", metavar="FILE.yaml")]
CompaniesFile = Annotated[Path | None, typer.Option(help="The registry of companies, YAML.", metavar="FILE.yaml")]
GraceDays = Annotated[
    int, typer.Option(min=0, max=GRACE_DAYS_MAX, help="Days from the start of a spell in which a worker is new.")
]

AllowFuture = Annotated[
    bool, typer.Option("--allow-future", help="Allow a date far ahead. Business dates cannot go back.")
]

By = Annotated[str, typer.Option(help="Who does it; without it the login name.", metavar="NAME", show_default=False)]


def name_of(by: str) -> str:
    """The name given, or the login name. Raises a usage error if the system knows none."""
    if by:
        return by
    try:
        return getuser()
    except (OSError, KeyError) as error:
        raise typer.BadParameter("the system knows no login name: say who does it, --by NAME") from error


def no_facts_in(files: Sequence[str]) -> str:
    """A sentence about files that had nothing but blank lines."""
    return f"There are no facts in {', '.join(files)}."
