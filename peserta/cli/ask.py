"""Commands that ask the book: `coverage`, `alerts`, `sql`."""

import asyncio
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from peserta.cli.arguments import optional_date, optional_instant
from peserta.cli.coverage_tables import coverage_table, policies_table
from peserta.cli.screen import counted, err, out, percent, print_json, table
from peserta.cli.tables import plain, written
from peserta.operations.alerts_reading import is_company, new_alerts, stored_alerts
from peserta.operations.clickhouse_reading import analyst
from peserta.operations.coverage_reading import coverage_now, coverage_then, is_known, under_policies
from peserta.operations.discovery import installation, with_kafka
from peserta.operations.failure import Failed, NotAsAsked
from peserta.operations.generations import standing_book
from peserta.settings import Settings
from schemas.dates import day, day_text, instant, instant_text
from schemas.records import Alert
from streams.core.simulate import alert_line

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]


class Format(StrEnum):
    """How `sql` prints a result."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def alerts(
    follow_on: Annotated[bool, typer.Option("--follow", "-f", help="Go on, and show new alerts as they come.")] = False,
    company: Annotated[str | None, typer.Option(help="Only this company.")] = None,
    as_json: Json = False,
) -> None:
    """Show the alerts, from the alert topic itself: firing and resolved, by the time of recording.

    The order is the same at every call, and for each company that of the journal. Exit code 1 for a company that the
    book does not know.

    Example: peserta alerts --follow --json
    """
    settings = standing_book(with_kafka(installation()))
    stored, after = asyncio.run(stored_alerts(settings))
    wanted = [alert for alert in stored if company in (None, alert.company_id)]
    for alert in wanted:
        _show_alert(alert, as_json)
    if not wanted:
        _say_no_alerts(settings, company, follow_on)
    if not follow_on:
        return

    async def show_new() -> None:
        async for alert in new_alerts(settings, after):
            if company in (None, alert.company_id):
                _show_alert(alert, as_json)

    with suppress(KeyboardInterrupt):
        asyncio.run(show_new())


def _say_no_alerts(settings: Settings, company: str | None, follow_on: bool) -> None:
    if company is None or asyncio.run(is_company(settings, company)):
        err.print(f"No alerts for {plain(company)}." if company else "No alerts.")
    elif follow_on:
        err.print(f"{plain(company)} is no company of this book yet.")
    else:
        raise _no_company(company)


def _no_company(company: str) -> Failed:
    ways = "`peserta coverage` and `peserta companies list` show its companies"
    return NotAsAsked(f"{plain(company)} is no company of this book: {ways}.")


CAUSES = {
    "date": "time",  # a hold or a grace period ended, a contract or a policy began or ended
    "policy": "policy",  # it was set or ended
    "company": "registry entry",
}


def _show_alert(alert: Alert, as_json: bool) -> None:
    if as_json:
        at = {"journal_partition": alert.journal_partition, "journal_offset": alert.journal_offset}
        fields: dict[str, Any] = alert_line(alert, None) | at | {"recorded_at": instant_text(alert.recorded_at)}
        del fields["kind"], fields["line"]
        print_json(fields)
        return
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
    """Show the coverage of every company, or of one with its policies, from ClickHouse.

    As of a past date, with all that is known of it today, or as known at a past moment: policies are not shown then.
    Exit code 1 for a company that the book does not know.

    Example: peserta coverage JT-0001-A · peserta coverage --as-of 2025-09-30 --known-at 2025-10-01T09:00:00+07:00
    """
    is_past = as_of is not None or known_at is not None
    with analyst(installation()) as client:
        if is_past:
            on, at = None if as_of is None else day(as_of), None if known_at is None else instant(known_at)
            found = coverage_then(client, company, on, at)
        else:
            found = coverage_now(client, company)
        known = bool(found) or company is None or is_known(client, company)
        policies = under_policies(client, company) if company and not is_past and not as_json else []
    if company and not known:
        raise _no_company(company)
    if not found:
        err.print(f"{plain(company)} has no figures." if company else "There are no figures.")
    elif as_json:
        for row in found:
            print_json({name: _plain(value) for name, value in row.items()})
    else:
        out.print(coverage_table(found))
    if policies:
        out.print("", policies_table(policies), sep="\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return written(value)
    return value if value is None or isinstance(value, int | str | list) else str(value)


EMPTY_FOR_NULL: Final = {"format_csv_null_representation": ""}  # what spreadsheets expect


def sql(
    query: Annotated[str, typer.Argument(help="A SELECT over the views.", metavar='"SELECT ..."')],
    as_format: Annotated[Format, typer.Option("--format", help="table, json (a line each) or csv.")] = Format.TABLE,
) -> None:
    """Ask ClickHouse, read only. Rows that are too wide for the terminal are shown as records, a field a line.

    The views: journal, ledger, coverage_current, coverage_daily, policy_status, alerts,
    dead_letters, companies, policies.

    Example: peserta sql "SELECT regency, sum(active), sum(covered) FROM coverage_current GROUP BY regency"
    """
    with analyst(installation()) as client:
        if as_format is not Format.TABLE:
            fmt = "JSONEachRow" if as_format is Format.JSON else "CSVWithNames"
            typer.echo(client.raw_query(query, fmt=fmt, settings=EMPTY_FOR_NULL), nl=False)
            return
        result = client.query(query)
    out.print(table(counted(len(result.result_rows), "row"), result.column_names, result.result_rows, records=True))
