"""`peserta statement`: the account of a company over a period, as a bank states one."""

import csv
import sys
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from peserta.cli.arguments import optional_date, optional_instant
from peserta.cli.ask import no_company
from peserta.cli.screen import counted, err, out, print_json, table
from peserta.cli.tables import Sheet, plain
from peserta.operations.discovery import find_installation
from peserta.operations.statement import Asked, Balance, Change, Statement, statement_json
from peserta.operations.statement import statement as statement_of
from schemas.dates import day, day_text, instant, instant_text, jakarta_day


class Format(StrEnum):
    """How a statement is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


WHERE: Final = "a wider terminal, --format csv or json"
HEADINGS: Final = ("value date", "recorded", "what", "late", "± active", "± covered", "active", "covered")
CSV_COLUMNS: Final = (
    "block", "value_on", "recorded_at", "type", "event_id", "worker_id", "active_change", "covered_change", "cause",
    "late_days", "active", "covered",
)  # fmt: skip


def statement(
    company: Annotated[str, typer.Argument(help="The company.")],
    first: Annotated[str, typer.Option("--from", help="The first value date.", callback=optional_date, metavar="DATE")],
    last: Annotated[str, typer.Option("--to", help="The last value date.", callback=optional_date, metavar="DATE")],
    known_at: Annotated[
        str | None,
        typer.Option(
            help="Open with what was known at this moment, RFC 3339 with an offset. What was recorded later about "
            "earlier days is then a block of its own.",
            callback=optional_instant,
            metavar="INSTANT",
        ),
    ] = None,
    as_format: Annotated[
        Format, typer.Option("--format", help="table; csv (a line each); json (one object).")
    ] = Format.TABLE,
) -> None:
    """State the account of a company: opening figures, each change and what caused it, closing figures.

    Opening figures plus changes are the closing figures. Changes stand in order of value date, then of recording.
    Workers are named by their tokens. Exit code 1 if the book does not know the company.

    Example: peserta statement JT-0001-A --from 2025-09-01 --to 2025-09-30
    """
    at = None if known_at is None else instant(known_at)
    found = statement_of(find_installation(), Asked(company, day(first), day(last), at))
    if not found.is_known:
        raise no_company(company)
    if as_format is Format.JSON:
        print_json(statement_json(found))
    elif as_format is Format.CSV:
        _write(found)
    else:
        _show(found)


def _show(found: Statement) -> None:
    out.print(f"Statement of {plain(found.company_id)}, {day_text(found.first)} to {day_text(found.last)}")
    out.print(f"Opening   {_balance(found.opening)}")
    if found.known_at is not None:
        out.print(f"          as known at {instant_text(found.known_at)}")
    if found.restated:
        out.print("", _table("restated: days before, recorded since", found.restated), sep="\n")
    if found.changes:
        out.print("", _table("in the period", found.changes), sep="\n")
    if not found.restated and not found.changes:
        err.print("Nothing changed the figures.")
    out.print(f"Closing   {_balance(found.closing)}")


def _balance(of: Balance) -> str:
    return f"{day_text(of.on)}: {of.active} active, {of.covered} covered, {of.uncovered} not covered"


def _table(what: str, changes: tuple[Change, ...]) -> Sheet:
    rows = [
        (day_text(each.value_on), day_text(jakarta_day(each.recorded_at)), each.type,
         f"{each.late_days} d" if each.late_days else "", _signed(each.active_change), _signed(each.covered_change),
         each.active, each.covered, each.worker_id, each.event_id)
        for each in changes
    ]  # fmt: skip
    return table(
        f"{counted(len(changes), 'change')} {what}",
        (*HEADINGS, "worker", "event"),
        rows,
        right=("late", "± active", "± covered"),
        spare=("event", "worker"),
        where=WHERE,
    )


def _signed(change: int) -> str:
    return f"{change:+d}" if change else ""


def _write(found: Statement) -> None:
    """The statement as CSV. Opening and closing are lines of their own, with figures and no change."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerow(_ends("opening", found.opening))
    for block, changes in (("restated", found.restated), ("period", found.changes)):
        writer.writerows(_line(block, each) for each in changes)
    writer.writerow(_ends("closing", found.closing))


def _ends(block: str, of: Balance) -> tuple[Any, ...]:
    return (block, day_text(of.on), *[""] * 8, of.active, of.covered)


def _line(block: str, of: Change) -> tuple[Any, ...]:
    fields = of.type, of.event_id, of.worker_id, of.active_change, of.covered_change, of.cause, of.late_days
    return (block, day_text(of.value_on), instant_text(of.recorded_at), *fields, of.active, of.covered)
