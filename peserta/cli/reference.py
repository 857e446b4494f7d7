"""`peserta policies` and `peserta companies`: reference data of the book."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from peserta.cli.arguments import AllowFuture, optional_date
from peserta.cli.policies_tried import print_tried, show_tried
from peserta.cli.policy_words import counted_people, scope, target
from peserta.cli.screen import counted, err, out, progress, table
from peserta.intake.reference import Plan, apply, plan_companies, plan_end, plan_policies
from peserta.intake.reference_files import read_companies, read_policies
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.failure import Rejected
from peserta.operations.future import InTheFuture, NoTimeOfRecording, StampsItself, recording_time
from peserta.operations.generations import current_book
from peserta.operations.policies_tried import try_policies
from peserta.operations.reference_reading import current_companies, current_policies
from peserta.settings import Settings
from schemas.dates import day, day_text
from schemas.records import Instant, Policy
from streams.clock import now_ms

policies = typer.Typer(
    no_args_is_help=True, help="Set, try, end and list the policies that companies are watched under."
)
companies = typer.Typer(no_args_is_help=True, help="Set and list the registry of companies.")

File = Annotated[Path, typer.Argument(help="YAML, a list of mappings.", metavar="FILE.yaml")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would change, and send nothing.")]
Prune = Annotated[bool, typer.Option(help="End policies and entries that are not in the file.")]
RecordedAt = Annotated[
    str | None,
    typer.Option(help="The time of recording, in a book with `clock: replay`; RFC 3339.", metavar="INSTANT"),
]


@policies.command("apply")
def apply_policies(
    file: File,
    dry_run: DryRun = False,
    prune: Prune = False,
    recorded_at: RecordedAt = None,
    allow_future: AllowFuture = False,
) -> None:
    """Set the policies in a file: all of them, or none if anything in it is wrong.

    Example: peserta policies apply --dry-run policies.yaml
    """
    settings = find_installation()
    wanted = read_policies(file)
    timestamp = _timestamp(with_kafka(settings), recorded_at, allow_future, dry_run=dry_run)
    _apply(asyncio.run(plan_policies(settings, wanted, prune=prune)), settings, dry_run, timestamp)


@companies.command("apply")
def apply_companies(
    file: File,
    dry_run: DryRun = False,
    prune: Prune = False,
    recorded_at: RecordedAt = None,
    allow_future: AllowFuture = False,
) -> None:
    """Set the registry entries in a file: all of them, or none if anything in it is wrong.

    Example: peserta companies apply companies.yaml
    """
    settings = find_installation()
    wanted = read_companies(file)
    timestamp = _timestamp(with_kafka(settings), recorded_at, allow_future, dry_run=dry_run)
    _apply(asyncio.run(plan_companies(settings, wanted, prune=prune)), settings, dry_run, timestamp)


@policies.command("end")
def end_policy(
    policy_id: Annotated[str, typer.Argument(help="The policy that ends now.")],
    recorded_at: RecordedAt = None,
    allow_future: AllowFuture = False,
) -> None:
    """End a policy: its open episodes are resolved, and its history stays.

    Example: peserta policies end jmo-30
    """
    settings = with_kafka(find_installation())
    plan = asyncio.run(plan_end(settings, policy_id))
    asyncio.run(apply(settings, plan, _timestamp(settings, recorded_at, allow_future)))
    out.print(f"{policy_id} has ended")


@policies.command("try")
def try_policies_of(
    file: File,
    first: Annotated[
        str | None,
        typer.Option("--from", help="Only alerts from this business date on.", callback=optional_date, metavar="DATE"),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option("--to", help="Only alerts up to this business date.", callback=optional_date, metavar="DATE"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Show the alerts that the policies in a file would have raised over the journal, beside those that were raised.

    The policies take the place of the book's own from its first entry on; `effective_from` says from when they hold.
    The whole journal is folded in memory, and nothing is written. An alert is in both lists when company, policy,
    status and business date are the same.

    Example: peserta policies try policies.yaml --from 2025-09-01
    """
    wanted = read_policies(file)
    settings = asyncio.run(current_book(with_kafka(find_installation())))
    since, until = (None if each is None else day(each) for each in (first, last))
    with progress() as bar:
        task = bar.add_task("Folding the journal", total=None)

        def passed(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        found = asyncio.run(try_policies(settings, wanted, since, until, passed))
    if as_json:
        print_tried(found)
    else:
        show_tried(found)


@policies.command("list")
def list_policies() -> None:
    """Show the policies in force.

    Example: peserta policies list
    """
    found = asyncio.run(current_policies(with_kafka(find_installation())))
    rows = [_policy_row(policy) for _, policy in sorted(found.items())]
    columns = (
        "policy", "version", "title", "rule", "target", "covered means", "scope", "from", "until", "baseline on"
    )  # fmt: skip
    prose = ("title", "target", "covered means", "scope")
    out.print(table(counted(len(rows), "policy", "policies"), columns, rows, prose=prose, records=True))


@companies.command("list")
def list_companies() -> None:
    """Show the registry.

    Example: peserta companies list
    """
    found = asyncio.run(current_companies(with_kafka(find_installation())))
    rows = [(c.company_id, c.name, c.regency, c.kbli, len(c.baselines)) for _, c in sorted(found.items())]
    columns = ("company", "name", "regency", "KBLI", "baselines")
    title = counted(len(rows), "company", "companies")
    out.print(table(title, columns, rows, prose=("name", "regency"), spare=("baselines", "KBLI")))


def _apply(plan: Plan, settings: Settings, dry_run: bool, timestamp: Instant | None) -> None:
    for doubt in plan.doubts:
        err.print(f"Note: {doubt}.", markup=False, soft_wrap=True)
    if not dry_run:
        asyncio.run(apply(settings, plan, timestamp))
    title = "Nothing was sent (dry run)" if dry_run else "Applied"
    out.print(table(title, ("id", "change"), [(change.record_id, change.kind) for change in plan.changes]))


def _timestamp(
    settings: Settings, recorded_at: str | None, allow_future: bool, *, dry_run: bool = False
) -> Instant | None:
    """The time of recording; a dry run needs none."""
    if dry_run and recorded_at is None:
        return None
    try:
        return recording_time(settings, recorded_at, now_ms(), allow_future=allow_future)
    except StampsItself as error:
        raise Rejected("--recorded-at is for a book with `clock: replay`; this one stamps entries itself.") from error
    except NoTimeOfRecording as error:
        raise Rejected("This book has `clock: replay`: give the time of recording, --recorded-at INSTANT.") from error
    except ValueError as error:
        raise Rejected(f"--recorded-at {recorded_at}: {error}.") from error
    except InTheFuture as error:
        raise Rejected(
            f"--recorded-at: {error}. It would move the business date of every company concerned, and dates cannot go "
            "back. Add --allow-future if you mean it. Nothing was sent."
        ) from error


def _policy_row(p: Policy) -> tuple[object, ...]:
    return (
        p.policy_id,
        p.version,
        p.title,
        p.rule,
        target(p),
        counted_people(p),
        scope(p),
        day_text(p.effective_from),
        "" if p.effective_until is None else day_text(p.effective_until),
        "" if p.baseline_on is None else day_text(p.baseline_on),
    )
