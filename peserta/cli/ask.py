"""Commands that query ClickHouse: `coverage`, `sql`."""

from enum import StrEnum
from typing import Annotated, Final

import typer

from peserta.cli.arguments import optional_date, optional_instant
from peserta.cli.coverage_tables import coverage_table, policies_table
from peserta.cli.screen import counted, err, out, print_json, table
from peserta.cli.tables import plain
from peserta.operations.coverage_reading import coverage as coverage_of
from peserta.operations.discovery import find_installation
from peserta.operations.failure import Failed, NotAsAsked
from peserta.operations.sql_reading import TextFormat, result_of, text_of
from schemas.dates import day, instant
from schemas.public_json import row_json

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]


class Format(StrEnum):
    """How `sql` prints a result."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


TEXT_FORMATS: Final = {Format.JSON: TextFormat.JSON, Format.CSV: TextFormat.CSV}


def no_company(company: str) -> Failed:
    """The failure for a company that the book does not know."""
    ways = "`peserta coverage` and `peserta companies list` show its companies"
    return NotAsAsked(f"{plain(company)} is not a company of this book: {ways}.")


def coverage(
    company: Annotated[str | None, typer.Argument(help="One company, with its policies.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="As of this business date, YYYY-MM-DD.", callback=optional_date, metavar="DATE"),
    ] = None,
    known_at: Annotated[
        str | None,
        typer.Option(
            help="As known at this moment, RFC 3339 with an offset.", callback=optional_instant, metavar="INSTANT"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the coverage of every company, or of one company with its policies, from ClickHouse.

    --as-of shows the figures of a past date as known today; --known-at shows them as known at a past moment. Both leave
    policies out. Exit code 1 if the book does not know the company.

    Example: peserta coverage JT-0001-A · peserta coverage --as-of 2025-09-30 --known-at 2025-10-01T09:00:00+07:00
    """
    on, at = None if as_of is None else day(as_of), None if known_at is None else instant(known_at)
    found = coverage_of(find_installation(), company, on, at, with_policies=not as_json)
    if company and not found.is_known:
        raise no_company(company)
    if not found.rows:
        err.print(f"{plain(company)} has no figures." if company else "There are no figures.")
    elif as_json:
        for row in found.rows:
            print_json(row_json(row))
    else:
        out.print(coverage_table(found.rows))
    if found.policies:
        out.print("", policies_table(found.policies), sep="\n")


def sql(
    query: Annotated[str, typer.Argument(help="A SELECT over the views.", metavar='"SELECT ..."')],
    as_format: Annotated[Format, typer.Option("--format", help="table, json (a line each) or csv.")] = Format.TABLE,
) -> None:
    """Query ClickHouse, read only. Rows that are too wide for the terminal are shown with one field a line.

    The views: journal, ledger, coverage_current, coverage_daily, policy_status, alerts,
    dead_letters, companies, policies.

    Example: peserta sql "SELECT regency, sum(active), sum(covered) FROM coverage_current GROUP BY regency"
    """
    if as_format is not Format.TABLE:
        typer.echo(text_of(find_installation(), query, TEXT_FORMATS[as_format]), nl=False)
        return
    result = result_of(find_installation(), query)
    out.print(table(counted(len(result.rows), "row"), result.columns, result.rows, records=True))
