"""Commands that look at the book: `coverage`, `alerts`, `sql`; and that move or copy it: `tick`, `journal export`."""

import asyncio
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.clickhouse_reading import analyst
from deploy.commands.arguments import DateArgument
from deploy.commands.screen import bar, err, out, percent, print_json, shown, table
from deploy.failure import CommandFailed, ExitCode
from deploy.generations import standing_book
from deploy.journal_files import Exported, companies_yaml, export_facts, policies_yaml
from deploy.kafka_reading import follow, read_to_end
from deploy.running import installation, with_kafka
from deploy.ticking import NoSuchDate
from deploy.ticking import tick as command_date
from schemas.codec import OutputCodec
from schemas.records import Alert
from streams.core.dates import day, day_text, instant_text
from streams.core.simulate import alert_line
from streams.settings import REPLAY

journal = typer.Typer(no_args_is_help=True, help="The book of original entry.")

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]


class Format(StrEnum):
    """How `sql` prints a result."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def tick(on: DateArgument) -> None:
    """Begin a business date in a book with `clock: replay`, after everything published so far.

    Opens the dates up to it for every company: contracts begin, grace periods end, holds elapse.

    Example: peserta tick 2025-12-31
    """
    settings = with_kafka(installation())
    if settings.clock != REPLAY:
        raise CommandFailed("This book has `clock: wall`: its dates begin by themselves, after midnight in Jakarta.")
    try:
        asyncio.run(command_date(settings.stream_settings(), day(on)))
    except NoSuchDate as error:
        raise CommandFailed(f"{on} cannot begin: {error}.") from error
    except TimeoutError as error:
        raise CommandFailed(f"{error}. Is a recorder running?", ExitCode.UNAVAILABLE) from error
    out.print(f"{on} has begun in all {settings.partitions} partitions")


def alerts(
    follow_on: Annotated[bool, typer.Option("--follow", "-f", help="Go on, and show new alerts as they come.")] = False,
    company: Annotated[str | None, typer.Option(help="Only this company.")] = None,
    as_json: Json = False,
) -> None:
    """Show the alerts, from the alert topic itself: firing and resolved, in order for each company.

    Example: peserta alerts --follow --json
    """
    settings = standing_book(with_kafka(installation()))
    topics = [settings.topics.alerts]
    records = follow(settings.kafka, topics) if follow_on else read_to_end(settings.kafka, topics)

    async def show() -> None:
        codec = OutputCodec()
        async for record in records:
            alert = codec.decode_alert(record.value)
            if company in (None, alert.company_id):
                _show_alert(alert, as_json)

    with suppress(KeyboardInterrupt):
        asyncio.run(show())


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


def alert_sentence(alert: Alert) -> str:
    """An alert as one line for people."""
    mark = "[red]▲ firing  [/red]" if alert.status == "firing" else "[green]▼ resolved[/green]"
    gap = {None: "", 0: "", 1: ", 1 person missing"}.get(alert.gap_people, f", {alert.gap_people} people missing")
    company_id = shown(alert.company_id)
    cause = f"fact {alert.event_id}" if alert.cause == "fact" else CAUSES[alert.cause]
    return (
        f"{day_text(alert.business_date)} {mark} {company_id} {alert.policy_id} {alert.reason}: "
        f"{alert.covered} of {alert.divisor} ({percent(alert.coverage_bp)}){gap} [dim]← {cause}[/dim]"
    )


def coverage(
    company: Annotated[str | None, typer.Argument(help="One company, with its policies.")] = None, as_json: Json = False
) -> None:
    """Show the coverage of every company, or of one with its policies, from ClickHouse.

    Example: peserta coverage JT-0001-A
    """
    query = "SELECT * FROM coverage_current"
    where = " WHERE company_id = {company:String}" if company else ""
    with analyst(installation()) as client:
        found = list(
            client.query(query + where + " ORDER BY company_id", parameters={"company": company}).named_results()
        )
        statuses = list(client.query(f"SELECT * FROM policy_status{where} ORDER BY company_id, policy_id",
                                     parameters={"company": company}).named_results())  # fmt: skip
    if company and not found:
        raise CommandFailed(f"There is no company {company} in the book.", ExitCode.NOT_AS_ASKED)
    if as_json:
        for row in found:
            print_json({name: _plain(value) for name, value in row.items()})
        return
    columns = ("company", "name", "active", "covered", "uncovered", "new", "coverage", "", "as of")
    rows = [
        (r["company_id"], r["name"], r["active"], r["covered"], r["uncovered"], r["uncovered_new"],
         percent(r["coverage_bp"]), bar(r["coverage_bp"]), r["as_of"])
        for r in found
    ]  # fmt: skip
    out.print(table("Coverage", columns, rows, right=("active", "covered", "uncovered", "new", "coverage")))
    if company:
        names = ("policy_id", "state", "since", "gap_people", "threshold_bp")
        rows_of_policies = [[status[name] for name in names] for status in statuses]
        out.print(table("Policies", names, rows_of_policies, right=("gap_people", "threshold_bp")))


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | str | list) else str(value)


def sql(
    query: Annotated[str, typer.Argument(help="A SELECT over the views.", metavar='"SELECT ..."')],
    as_format: Annotated[Format, typer.Option("--format", help="table, json (a line each) or csv.")] = Format.TABLE,
) -> None:
    """Ask ClickHouse, read only. The views: journal, ledger, coverage_current, coverage_daily, policy_status, alerts,
    dead_letters, companies, policies.

    Example: peserta sql "SELECT regency, sum(active), sum(covered) FROM coverage_current GROUP BY regency"
    """
    with analyst(installation()) as client:
        if as_format is not Format.TABLE:
            fmt = "JSONEachRow" if as_format is Format.JSON else "CSVWithNames"
            typer.echo(client.raw_query(query, fmt=fmt), nl=False)
            return
        result = client.query(query)
    out.print(table(f"{len(result.result_rows)} rows", result.column_names, result.result_rows))


@journal.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="A folder for the files; made when it is missing.", metavar="FOLDER")],
) -> None:
    """Write the journal as files that `simulate` reads: facts.ndjson, policies.yaml, companies.yaml.

    Example: peserta journal export book && peserta simulate --policies book/policies.yaml
    --companies book/companies.yaml --as-of 2025-12-31 book/facts.ndjson
    """
    settings = with_kafka(installation())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "facts.ndjson").open("w", encoding="utf-8", newline="\n") as facts:
            exported = asyncio.run(export_facts(settings.kafka, settings.topics.journal, facts))
        (folder / "policies.yaml").write_text(policies_yaml(list(exported.policies.values())), encoding="utf-8")
        (folder / "companies.yaml").write_text(companies_yaml(list(exported.companies.values())), encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{folder} cannot be written: {error.strerror}.") from error
    _tell(exported, folder, settings.grace_days)


def _tell(exported: Exported, folder: Path, grace_days: int) -> None:
    counts = f"{exported.facts} facts, {len(exported.policies)} policies, {len(exported.companies)} companies"
    out.print(f"{counts} in {shown(folder)}", soft_wrap=True)
    if exported.last_on is not None:
        names = [shown(folder / name) for name in ("policies.yaml", "companies.yaml", "facts.ndjson")]
        rules = f"--policies {names[0]} --companies {names[1]} --grace-days {grace_days}"
        out.print(f"peserta simulate {rules} --as-of {day_text(exported.last_on)} {names[2]}", soft_wrap=True)
    if exported.late_rules:
        err.print(
            f"{exported.late_rules} policy or registry entries came after facts or ended: `simulate` takes rules as "
            "set before the first line, so its alerts will differ from the service's.",
            soft_wrap=True,
        )
