"""Commands that query the book: `coverage`, `alerts`, `sql`."""

import asyncio
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.text import Text

from peserta.cli.arguments import optional_date, optional_instant
from peserta.cli.coverage_tables import coverage_table, policies_table
from peserta.cli.screen import counted, err, out, percent, print_json, table
from peserta.cli.tables import plain
from peserta.operations.alerts_reading import new_alerts, stored_alerts
from peserta.operations.coverage_reading import coverage as coverage_of
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.failure import Failed, NotAsAsked
from peserta.operations.generations import current_book
from peserta.operations.sql_reading import TextFormat, result_of, text_of
from schemas.dates import day, day_text, instant
from schemas.public_json import row_json, stored_alert_json
from schemas.records import Alert

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]


class Format(StrEnum):
    """How `sql` prints a result."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


TEXT_FORMATS: Final = {Format.JSON: TextFormat.JSON, Format.CSV: TextFormat.CSV}


def alerts(
    follow_on: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep running, and show new alerts as they arrive.")
    ] = False,
    company: Annotated[str | None, typer.Option(help="Only this company.")] = None,
    as_json: Json = False,
) -> None:
    """Show the alerts in the alert topic, firing and resolved, in order of recording.

    The order is the same at every call; for each company it is the journal's. Exit code 1 if the book does not know the
    company.

    Example: peserta alerts --follow --json
    """
    settings = asyncio.run(current_book(with_kafka(find_installation())))
    stored = asyncio.run(stored_alerts(settings, company))
    for alert in stored.alerts:
        _show_alert(alert, as_json)
    if not stored.alerts:
        _say_no_alerts(company, stored.is_known, follow_on)
    if not follow_on:
        return

    async def show_new() -> None:
        async for alert in new_alerts(settings, stored.after, company):
            _show_alert(alert, as_json)

    with suppress(KeyboardInterrupt):
        asyncio.run(show_new())


def _say_no_alerts(company: str | None, is_known: bool, follow_on: bool) -> None:
    if company is None or is_known:
        err.print(f"No alerts for {plain(company)}." if company else "No alerts.")
    elif follow_on:
        err.print(f"{plain(company)} is not a company of this book yet.")
    else:
        raise _no_company(company)


def _no_company(company: str) -> Failed:
    ways = "`peserta coverage` and `peserta companies list` show its companies"
    return NotAsAsked(f"{plain(company)} is not a company of this book: {ways}.")


CAUSES = {
    "date": "time",  # a hold or a grace period ended, a contract or a policy began or ended
    "policy": "policy",  # it was set or ended
    "company": "registry entry",
}


def _show_alert(alert: Alert, as_json: bool) -> None:
    if as_json:
        print_json(stored_alert_json(alert))
    else:
        out.print(alert_sentence(alert), soft_wrap=True)


def alert_sentence(alert: Alert) -> Text:
    """An alert as one line for people."""
    mark = ("▲ firing  ", "red") if alert.status == "firing" else ("▼ resolved", "green")
    gap = "" if not alert.gap_people else f", {counted(alert.gap_people, 'person', 'people')} missing"
    cause = f"fact {alert.event_id}" if alert.cause == "fact" else CAUSES[alert.cause]
    return Text.assemble(
        f"{day_text(alert.business_date)} ",
        mark,
        f" {plain(alert.company_id)} {plain(alert.policy_id)} {alert.reason}: "
        f"{alert.covered} of {alert.divisor} ({percent(alert.coverage_bp)}){gap} ",
        (f"← {plain(cause)}", "dim"),
    )


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
        raise _no_company(company)
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
