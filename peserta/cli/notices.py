"""`peserta notices`: what was told to whom, and what became of it."""

import asyncio
from enum import StrEnum
from typing import Annotated, Final

import typer

from peserta.cli.arguments import By, name_of
from peserta.cli.screen import counted, err, out, print_json, table
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.notices import Wanted, notice_of, order, read_notices, wait_until_taken
from schemas.dates import instant_text
from schemas.notice_json import notice_json
from schemas.notices import GIVE_UP, RETRY, STATES, Notice
from streams.clock import now_ms

notices = typer.Typer(no_args_is_help=True, help="What was told to whom, and what became of it.")

TAKEN_LIMIT_S: Final = 15.0

State = StrEnum("State", {each: each for each in STATES})  # type: ignore[misc]
Id = Annotated[str, typer.Argument(help="The id of the notice; `peserta notices list` shows it.", metavar="ID")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]
Wait = Annotated[float, typer.Option(min=0, max=600, help="Seconds to wait until the notifier has taken the order.")]


@notices.command("list")
def list_notices(
    subscription: Annotated[str | None, typer.Option(help="Only of this subscription.", metavar="ID")] = None,
    state: Annotated[State | None, typer.Option(help="Only in this state.")] = None,
    company: Annotated[str | None, typer.Option(help="Only of this company.")] = None,
    as_json: Json = False,
) -> None:
    """Show the notices in the order in which they were made.

    Example: peserta notices list --state given_up
    """
    wanted = Wanted(subscription, state, company)
    found = asyncio.run(read_notices(with_kafka(find_installation()), wanted))
    if as_json:
        for notice in found:
            print_json(notice_json(notice))
        return
    rows = [(each.notice_id, each.state, each.attempts, each.last_answer) for each in found]
    columns = ("notice", "state", "attempts", "last answer")
    out.print(table(counted(len(rows), "notice"), columns, rows, prose=("last answer",), records=True))


@notices.command("show")
def show(notice_id: Id, as_json: Json = False) -> None:
    """Show one notice: its state, its times, and what it says.

    Example: peserta notices show hr-team/NPP0001/pact-20pp/1/firing
    """
    fields = notice_json(asyncio.run(notice_of(with_kafka(find_installation()), notice_id)))
    if as_json:
        print_json(fields)
        return
    text = str(fields.pop("text") or "")
    rows = [(name.replace("_", " "), value) for name, value in fields.items() if value not in (None, "", [])]
    out.print(table("", ("field", "value"), rows, prose=("value",)))
    for line in text.splitlines():
        out.print(f"  {line}")


@notices.command("retry")
def retry(notice_id: Id, by: By = "", wait: Wait = TAKEN_LIMIT_S) -> None:
    """Send a notice again that was given up, or now one that waits.

    Example: peserta notices retry hr-team/NPP0001/pact-20pp/1/firing
    """
    _order(notice_id, RETRY, by, wait)


@notices.command("give-up")
def give_up(notice_id: Id, by: By = "", wait: Wait = TAKEN_LIMIT_S) -> None:
    """Give up a notice that waits. It can be sent again with `retry`.

    Example: peserta notices give-up hr-team/NPP0001/pact-20pp/1/firing
    """
    _order(notice_id, GIVE_UP, by, wait)


def _order(notice_id: str, action: str, by: str, wait_s: float) -> None:
    settings = with_kafka(find_installation())
    asked = asyncio.run(order(settings, notice_id, action, by=name_of(by), at=now_ms()))
    err.print(f"Ordered by {asked.by}. Waiting up to {wait_s:g} s for the notifier.")
    taken = asyncio.run(wait_until_taken(settings, asked, wait_s))
    if taken is None:
        out.print("No notifier has taken the order yet. It stays, and the notifier takes it when it runs.")
    else:
        out.print(_taken(taken))


def _taken(notice: Notice) -> str:
    """What became of the notice once the order was taken."""
    when = f", next attempt {instant_text(notice.next_at)}" if notice.next_at is not None else ""
    return f"The notifier has taken the order. {notice.notice_id} is {notice.state.replace('_', ' ')}{when}"
