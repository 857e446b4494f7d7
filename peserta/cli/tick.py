"""`peserta tick`: beginning a business date by command."""

import asyncio
from typing import Final

from peserta.cli.arguments import AllowFuture, DateArgument
from peserta.cli.screen import counted, out, shown
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.failure import Rejected
from peserta.operations.ticking import Begun, NoSuchDate, TooFarAhead, begin_date
from schemas.dates import day, day_text, jakarta_day
from streams.clock import now_ms

BEYOND_NAMED_MAX: Final = 5


def tick(on: DateArgument, allow_future: AllowFuture = False) -> None:
    """Begin a business date in a book with `clock: replay`, after everything published so far.

    Moves every company up to that date: contracts begin, grace periods end, holds elapse. Companies that are beyond it
    already are not moved, and are listed. A date more than 366 days after the newest business date of any company needs
    --allow-future.

    Example: peserta tick 2025-12-31
    """
    settings = with_kafka(find_installation())
    try:
        begun = asyncio.run(begin_date(settings, day(on), today=jakarta_day(now_ms()), allow_future=allow_future))
    except TooFarAhead as error:
        raise Rejected(f"{on} does not begin: {error}. Dates do not go back; --allow-future if it is meant.") from error
    except NoSuchDate as error:
        raise Rejected(f"{on} cannot begin: {error}.") from error
    out.print(begun_sentence(on, begun, settings.partitions))


def begun_sentence(on: str, begun: Begun, partitions: int) -> str:
    """What `tick` says when it is done."""
    new, beyond = len(begun.in_partitions), begun.beyond
    said = f"{on} has begun in {'all ' if new == partitions else f'{new} of '}{partitions} partitions"
    if not new:
        said = f"{on} had begun in all {partitions} partitions before: nothing was appended"
    elif new < partitions:
        said += "; in the others it had before"
    if beyond:
        named = ", ".join(f"{shown(company_id)} ({day_text(at)})" for company_id, at in beyond[:BEYOND_NAMED_MAX])
        more = len(beyond) - BEYOND_NAMED_MAX
        named += f", and {more} more" if more > 0 else ""
        companies = f"{counted(len(beyond), 'company', 'companies')} {'is' if len(beyond) == 1 else 'are'}"
        said += f"\n{companies} beyond it already, up to {day_text(beyond[0][1])}, and not moved: {named}"
    return said
