"""`peserta alerts`: the alerts of the book, and who handles them."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Final
from uuid import uuid4

import typer
from rich.text import Text

from peserta.cli.arguments import By, name_of
from peserta.cli.ask import Json, no_company
from peserta.cli.screen import counted, err, out, percent, print_json
from peserta.cli.tables import plain
from peserta.operations.alerts_reading import new_alerts, stored_alerts
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.generations import current_book
from peserta.operations.handling import handle, handling_if_any
from schemas.dates import day_text
from schemas.handling import ACKNOWLEDGED, ASSIGNED, NOTE, Handled, Handling
from schemas.notice_json import handled_json
from schemas.public_json import stored_alert_json
from schemas.records import Alert
from streams.clock import now_ms

WIDTH_MAX: Final = 80  # of a line about handling
NOBODY: Final = Handled()

alerts = typer.Typer()

AlertId = Annotated[str, typer.Argument(help="The id of the alert, <company>/<policy>/<episode>.", metavar="ALERT_ID")]


@alerts.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    follow_on: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep running, and show new alerts as they arrive.")
    ] = False,
    company: Annotated[str | None, typer.Option(help="Only this company.")] = None,
    as_json: Json = False,
) -> None:
    """Show the alerts in the alert topic, firing and resolved, in order of recording.

    The order is the same at every call; for each company it is the journal's. Below an alert that is firing stands who
    has it. Exit code 1 if the book does not know the company.

    Example: peserta alerts --follow --json
    """
    if context.invoked_subcommand is not None:
        return
    settings = asyncio.run(current_book(with_kafka(find_installation())))
    stored = asyncio.run(stored_alerts(settings, company))
    handling = asyncio.run(handling_if_any(settings))
    for alert in stored.alerts:
        _show_alert(alert, handling, as_json)
    if not stored.alerts:
        _say_no_alerts(company, stored.is_known, follow_on)
    if not follow_on:
        return

    async def show_new() -> None:
        async for alert in new_alerts(settings, stored.after, company):
            _show_alert(alert, handling, as_json)

    with suppress(KeyboardInterrupt):
        asyncio.run(show_new())


@alerts.command("acknowledge")
def acknowledge(alert_id: AlertId, by: By = "") -> None:
    """Say that somebody has seen an alert: reminders stop. Its `resolved` is still told.

    Example: peserta alerts acknowledge NPP0001/pact-20pp/1
    """
    one = _handle(alert_id, ACKNOWLEDGED, by)
    out.print(f"{plain(alert_id)} is acknowledged by {plain(one.by)}")


@alerts.command("assign")
def assign(
    alert_id: AlertId,
    to: Annotated[str, typer.Option("--to", help="Who takes care of it.", metavar="NAME")],
    by: By = "",
) -> None:
    """Say who takes care of an alert.

    Example: peserta alerts assign NPP0001/pact-20pp/1 --to Sri
    """
    one = _handle(alert_id, ASSIGNED, by, to=to)
    out.print(f"{plain(alert_id)} is assigned to {plain(one.to)} by {plain(one.by)}")


@alerts.command("note")
def note(
    alert_id: AlertId,
    text: Annotated[str, typer.Argument(help="What is to be noted: no names and numbers of workers.")],
    by: By = "",
) -> None:
    """Note something about an alert.

    Example: peserta alerts note NPP0001/pact-20pp/1 "HR enrols them on Monday"
    """
    one = _handle(alert_id, NOTE, by, text=text)
    out.print(f"Noted about {plain(alert_id)} by {plain(one.by)}")


def _handle(alert_id: str, action: str, by: str, *, to: str | None = None, text: str | None = None) -> Handling:
    settings = asyncio.run(current_book(with_kafka(find_installation())))
    return asyncio.run(
        handle(settings, alert_id, action, handling_id=str(uuid4()), by=name_of(by), at=now_ms(), to=to, text=text)
    )


def _say_no_alerts(company: str | None, is_known: bool, follow_on: bool) -> None:
    if company is None or is_known:
        err.print(f"No alerts for {plain(company)}." if company else "No alerts.")
    elif follow_on:
        err.print(f"{plain(company)} is not a company of this book yet.")
    else:
        raise no_company(company)


CAUSES = {
    "date": "time",  # a hold or a grace period ended, a contract or a policy began or ended
    "policy": "policy",  # it was set or ended
    "company": "registry entry",
}


def _show_alert(alert: Alert, handling: Mapping[str, Handled], as_json: bool) -> None:
    found = handling.get(alert.alert_id, NOBODY)
    if as_json:
        print_json(stored_alert_json(alert) | {"handling": handled_json(found)})
        return
    out.print(alert_sentence(alert), soft_wrap=True)
    for line in handling_lines(found) if alert.status == "firing" else ():
        out.print(line)


def handling_lines(found: Handled) -> list[str]:
    """Who has an alert, in lines of at most WIDTH_MAX characters."""
    parts = [
        f"acknowledged: {plain(found.acknowledged_by)}" if found.acknowledged_by else "",
        f"assigned: {plain(found.assigned_to)}" if found.assigned_to else "",
        counted(len(found.notes), "note") if found.notes else "",
    ]
    said = [part for part in parts if part]
    together = f"  {', '.join(said)}"
    return [together] if said and len(together) <= WIDTH_MAX else [f"  {part}" for part in said]


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
