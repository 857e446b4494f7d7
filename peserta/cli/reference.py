"""`peserta policies` and `peserta companies`: reference data of the book."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaConnectionError, KafkaError  # type: ignore[import-untyped]

from peserta.cli.arguments import AllowFuture
from peserta.cli.policy_words import counted_people, scope, target
from peserta.cli.screen import counted, err, out, table
from peserta.intake.doubts import unmatched_scopes, unraised_versions
from peserta.intake.reference import Change, Record, TooLarge, changes, send
from peserta.intake.reference_files import WrongFile, read_companies, read_policies
from peserta.operations.discovery import installation, with_kafka
from peserta.operations.failure import Rejected, Unavailable
from peserta.operations.future import InTheFuture, check_recorded_at
from peserta.operations.kafka_reading import no_broker, read_to_end
from peserta.settings import Settings
from schemas.codec import OutputCodec
from schemas.dates import day_text, instant
from schemas.records import Company, Instant, Policy, Scope
from streams.clock import now_ms
from streams.settings import REPLAY

policies = typer.Typer(no_args_is_help=True, help="Set, end and list the policies that companies are watched under.")
companies = typer.Typer(no_args_is_help=True, help="Set and list the registry of companies.")

File = Annotated[Path, typer.Argument(help="YAML, a list of mappings.", metavar="FILE.yaml")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would change and send nothing.")]
Prune = Annotated[bool, typer.Option(help="End what is not in the file.")]
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
    """Set the policies of a file; all of them, or none when anything in it is wrong.

    Example: peserta policies apply --dry-run policies.yaml
    """
    settings = installation()
    wanted = _read(read_policies, file)
    _apply(settings, settings.topics.policies, wanted, dry_run, prune, recorded_at, allow_future)


@companies.command("apply")
def apply_companies(
    file: File,
    dry_run: DryRun = False,
    prune: Prune = False,
    recorded_at: RecordedAt = None,
    allow_future: AllowFuture = False,
) -> None:
    """Set the registry entries of a file; all of them, or none when anything in it is wrong.

    Example: peserta companies apply companies.yaml
    """
    settings = installation()
    wanted = _read(read_companies, file)
    _apply(settings, settings.topics.companies, wanted, dry_run, prune, recorded_at, allow_future)


@policies.command("end")
def end_policy(
    policy_id: Annotated[str, typer.Argument(help="The policy that ends now.")],
    recorded_at: RecordedAt = None,
    allow_future: AllowFuture = False,
) -> None:
    """End a policy: open episodes are resolved, its history stays.

    Example: peserta policies end jmo-30
    """
    settings = with_kafka(installation())
    if policy_id not in standing(settings, settings.topics.policies):
        raise Rejected(f"There is no policy {policy_id}: `peserta policies list` shows those there are.")
    steps = [Change("ended", policy_id, None)]
    _send(settings, settings.topics.policies, steps, _timestamp(settings, recorded_at, allow_future))
    out.print(f"{policy_id} has ended")


@policies.command("list")
def list_policies() -> None:
    """Show the policies that hold.

    Example: peserta policies list
    """
    settings = with_kafka(installation())
    found = standing(settings, settings.topics.policies)
    rows = [_policy_row(policy) for _, policy in sorted(found.items()) if isinstance(policy, Policy)]
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
    settings = with_kafka(installation())
    found = standing(settings, settings.topics.companies).values()
    listed = sorted((c for c in found if isinstance(c, Company)), key=lambda company: company.company_id)
    rows = [(c.company_id, c.name, c.regency, c.kbli, len(c.baselines)) for c in listed]
    columns = ("company", "name", "regency", "KBLI", "baselines")
    title = counted(len(rows), "company", "companies")
    out.print(table(title, columns, rows, prose=("name", "regency"), spare=("baselines", "KBLI")))


def standing(settings: Settings, topic: str) -> dict[str, Record]:
    """What the last records of a reference topic say, by id."""
    return asyncio.run(_standing(settings.kafka, topic, topic == settings.topics.policies))


async def _standing(kafka: str, topic: str, of_policies: bool) -> dict[str, Record]:
    codec = OutputCodec()
    found: dict[str, Record] = {}
    async for record in read_to_end(kafka, [topic]):
        key = record.key.decode()
        if record.value is None:
            found.pop(key, None)
        else:
            found[key] = codec.decode_policy(record.value) if of_policies else codec.decode_company(record.value)
    return found


def _read(read: Callable[[Path], Sequence[Record]], file: Path) -> Sequence[Record]:
    try:
        return read(file)
    except WrongFile as error:
        raise Rejected(str(error)) from error


def _apply(
    settings: Settings,
    topic: str,
    wanted: Sequence[Record],
    dry_run: bool,
    prune: bool,
    recorded_at: str | None,
    allow_future: bool,
) -> None:
    with_kafka(settings)
    is_unsaid = dry_run and recorded_at is None
    timestamp = None if is_unsaid else _timestamp(settings, recorded_at, allow_future)
    known = standing(settings, topic)
    steps = changes(wanted, known, prune=prune)
    for doubt in _doubts(settings, wanted, known):
        err.print(f"Note: {doubt}.", markup=False, soft_wrap=True)
    if not dry_run:
        _send(settings, topic, steps, timestamp)
    title = "Nothing was sent (dry run)" if dry_run else "Applied"
    out.print(table(title, ("id", "change"), [(step.record_id, step.kind) for step in steps]))


def _doubts(settings: Settings, wanted: Sequence[Record], known: dict[str, Record]) -> Iterator[str]:
    """What may not be meant in policies that are wanted."""
    wanted_policies = [record for record in wanted if isinstance(record, Policy)]
    yield from unraised_versions(wanted_policies, known)
    if any(policy.scope != Scope() for policy in wanted_policies):
        registered = standing(settings, settings.topics.companies).values()
        yield from unmatched_scopes(wanted_policies, [one for one in registered if isinstance(one, Company)])


def _send(settings: Settings, topic: str, steps: Sequence[Change], timestamp: Instant | None) -> None:
    try:
        asyncio.run(send(settings.kafka, topic, steps, timestamp=timestamp))
    except KafkaConnectionError as error:
        raise no_broker(settings.kafka) from error
    except TooLarge as error:
        raise Rejected(f"{error}: shorten its lists. Nothing was sent.") from error
    except KafkaError as error:
        raise Unavailable(
            f"{settings.kafka} does not take the records ({type(error).__name__}); apply the file again when it does.",
        ) from error


def _timestamp(settings: Settings, recorded_at: str | None, allow_future: bool) -> Instant | None:
    """The time of recording, which a book with `clock: replay` must be told and no other may be."""
    if settings.clock != REPLAY:
        if recorded_at is not None:
            raise Rejected("--recorded-at is for a book with `clock: replay`; this one stamps entries itself.")
        return None
    if recorded_at is None:
        raise Rejected("This book has `clock: replay`: say when it is recorded, --recorded-at INSTANT.")
    try:
        return check_recorded_at(instant(recorded_at), now_ms(), allow_future=allow_future)
    except ValueError as error:
        raise Rejected(f"--recorded-at {recorded_at}: {error}.") from error
    except InTheFuture as error:
        raise Rejected(
            f"--recorded-at: {error}. It would move the business date of every company concerned, and dates do not go "
            "back; --allow-future if it is meant. Nothing was sent."
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
