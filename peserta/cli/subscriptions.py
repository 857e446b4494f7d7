"""`peserta subscriptions`: who is told of which alerts, and a sample for them."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from peserta.cli.deferred import extras_named
from peserta.cli.policy_words import scope_words
from peserta.cli.screen import counted, err, out, print_json, table
from peserta.intake.subscription_files import read_subscriptions
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.subscriptions import (
    UNCHANGED,
    apply_subscriptions,
    current_subscriptions,
    end_subscription,
    plan_subscriptions,
    subscription_of,
)
from schemas.dates import instant_text
from schemas.notice_json import subscription_json
from schemas.records import Instant
from schemas.subscriptions import CHAT, Subscription
from streams.clock import now_ms

subscriptions = typer.Typer(no_args_is_help=True, help="Who is told of which alerts.")

Files = Annotated[list[Path], typer.Argument(help="YAML, a list of mappings.", metavar="FILE.yaml...")]
Id = Annotated[str, typer.Argument(help="The id of the subscription.", metavar="ID")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]


@subscriptions.command("apply")
def apply(
    files: Files,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would change, and send nothing.")] = False,
) -> None:
    """Set the subscriptions in files: all of them, or none if anything in any file is wrong.

    One that was in force stays so without interruption. An unchanged one is applied again: a receiver that had answered
    that it is gone is asked again.

    Example: peserta subscriptions apply --dry-run subscriptions.yaml
    """
    settings = find_installation()
    wanted = read_subscriptions(files, allowed_hosts=settings.notice_allowed_hosts)
    settings = with_kafka(settings)
    plan = asyncio.run(plan_subscriptions(settings, wanted, now_ms()))
    for doubt in plan.doubts:
        err.print(f"Note: {doubt}.")
    if not dry_run:
        asyncio.run(apply_subscriptions(settings, plan))
    rows = [
        (one.subscription.subscription_id, f"{one.kind}, applied again" if one.kind == UNCHANGED else one.kind)
        for one in plan.applied
    ]
    out.print(table("Nothing was sent (dry run)" if dry_run else "Applied", ("subscription", "change"), rows))


@subscriptions.command("list")
def list_subscriptions(as_json: Json = False) -> None:
    """Show the subscriptions, ended ones too.

    Example: peserta subscriptions list
    """
    found = asyncio.run(current_subscriptions(with_kafka(find_installation())))
    if as_json:
        for one in found.values():
            print_json(subscription_json(one))
        return
    now = now_ms()
    rows = [(one.subscription_id, one.channel, ", ".join(one.to), _state(one, now)) for one in found.values()]
    columns = ("subscription", "channel", "to", "state")
    out.print(table(counted(len(rows), "subscription"), columns, rows, prose=("to",), records=True))


@subscriptions.command("show")
def show(subscription_id: Id, as_json: Json = False) -> None:
    """Show all fields of one subscription.

    Example: peserta subscriptions show hr-team
    """
    found = asyncio.run(subscription_of(with_kafka(find_installation()), subscription_id))
    fields = subscription_json(found)
    if as_json:
        print_json(fields)
        return
    fields |= {"scope": scope_words(found.scope), "state": _state(found, now_ms())}
    out.print(
        table("", ("field", "value"), [(name, _words(value)) for name, value in fields.items()], prose=("value",))
    )


@subscriptions.command("end")
def end(subscription_id: Id) -> None:
    """End a subscription: nothing more is sent to it. Applying it again begins it anew.

    Example: peserta subscriptions end hr-team
    """
    asyncio.run(end_subscription(with_kafka(find_installation()), subscription_id, now_ms()))
    out.print(f"{subscription_id} has ended")


@subscriptions.command("test")
def send_test(
    subscription_id: Id,
    company: Annotated[
        str | None,
        typer.Option(help="Whose contacts get it, for a subscription to compliance_team.", metavar="COMPANY"),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", "-n", help="Show what would be sent, and send nothing. Headers of a webhook too."),
    ] = False,
) -> None:
    """Send one sample, marked as a test, to the receivers of a subscription, and show their answer.

    This process sends it, with its own settings and secrets: run it where the notifier runs, with the notifier's
    variables. It is sent once and at once, whatever the quiet hours and digests, and nothing is written to a topic.

    Example: peserta subscriptions test hr-team
    """
    with extras_named("subscriptions test"):
        from peserta.operations.sample_notices import make_sample, send_sample, webhook_request

    settings, now = with_kafka(find_installation()), now_ms()
    made = asyncio.run(make_sample(settings, subscription_id, company, now))
    if not dry_run:
        answer = asyncio.run(send_sample(settings, made, now))
        out.print(f"The sample was taken: {answer.words}.")
        return
    request = webhook_request(settings, made, now)
    channel = made.subscription.channel
    to = "" if channel == CHAT else f", to {counted(len(made.to), 'receiver')}"  # only its secret says where to
    err.print(f"Nothing was sent (dry run). By {channel}{to}:")
    out.print(f"{made.message.subject}\n\n{made.message.text}", end="")
    if request is not None:
        headers, body = request
        out.print("\n".join(("", *(f"{name}: {value}" for name, value in headers.items()), "", body.decode())))


def _state(one: Subscription, now: Instant) -> str:
    return "in force" if one.ended_at is None or now < one.ended_at else f"ended {instant_text(one.ended_at)}"


def _words(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(map(_words, value))
    if isinstance(value, dict):
        return " ".join(f"{name} {_words(part)}" for name, part in value.items())
    return "" if value is None else str(value)
