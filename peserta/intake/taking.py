"""Accepting facts for other programs: lines are judged, and Kafka acknowledges the admitted ones or the call fails."""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from peserta.intake.door import REASONS_OF_LINES, RECORDED_IN_FUTURE, Door
from peserta.intake.fact_log import FactLog
from peserta.operations.permissions import FIELD_OF_DENIAL, Denial
from schemas.admission import Refusal, sentence, shown_event_id
from schemas.fact_json import FactLine
from schemas.records import Fact

NOT_ALLOWED: Final = "not_allowed"  # the limits of the caller's key; beside the reasons of SEMANTICS 2
LINES_PER_TURN: Final = 500  # lines judged before other tasks get their turn
# Finds a personal number in an event_id: 16 or 11 digits with no digit beside them.
_PERSONAL: Final = re.compile(r"(?<!\d)(?:\d{16}|\d{11})(?!\d)", re.ASCII)

Reading = tuple[int, FactLine | Refusal]
Permit = Callable[[Fact], Denial | None]


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """Why a line was refused. `line` counts from 1; `message` says what to do and repeats no value."""

    line: int
    event_id: str | None
    reason: str
    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The fate of all lines of a call.

    `accepted` facts are acknowledged by Kafka. If `published` is false, they would have been accepted, and nothing was
    sent.
    """

    accepted: int
    refused: tuple[RefusedLine, ...]
    published: bool = True


async def take(
    readings: Iterable[Reading], door: Door, permit: Permit, log: FactLog, *, all_or_nothing: bool = False
) -> Taken:
    """Judge every line, then append the admitted facts in order; return when Kafka has acknowledged each.

    Nothing is sent before all lines are read, or if a line is refused and `all_or_nothing` is set. Raises what
    `readings` raises (nothing was sent then), and Busy or NotAcknowledged (see FactLog).
    """
    admitted: list[FactLine] = []
    refused: list[RefusedLine] = []
    for count, (number, read) in enumerate(readings, 1):
        judged = judge(read, door, permit)
        if isinstance(judged, FactLine):
            admitted.append(judged)
        else:
            refused.append(refused_line(number, judged))
        if count % LINES_PER_TURN == 0:
            await asyncio.sleep(0)
    published = not (all_or_nothing and refused)
    if published and admitted:
        await log.append(admitted)
    return Taken(len(admitted), tuple(refused), published)


def judge(read: FactLine | Refusal, door: Door, permit: Permit) -> FactLine | Refusal:
    """The fact if it may be sent, else the first reason against it: the recorder's rules, then the key's limits."""
    read = door.sendable(read)
    if isinstance(read, Refusal):
        return read
    later = door.refused_later(read)
    if later is not None:
        return later
    denied = permit(read.fact)
    if denied is None:
        return read
    return Refusal(
        NOT_ALLOWED,
        shown_event_id(read.fact.event_id, read.fact.worker_id),
        None,
        FIELD_OF_DENIAL[denied],
        denied.value,
    )


def refused_line(number: int, why: Refusal) -> RefusedLine:
    """A refusal as the caller receives it. An event_id that may contain a personal number is not repeated."""
    event_id = None if why.event_id is None or _PERSONAL.search(why.event_id) else why.event_id
    return RefusedLine(number, event_id, why.reason, why.field, _message(why))


def _message(why: Refusal) -> str:
    if why.reason == NOT_ALLOWED:
        return why.rule or ""
    if why.reason == RECORDED_IN_FUTURE:
        return REASONS_OF_LINES[RECORDED_IN_FUTURE].partition(";")[0]
    return sentence(why, of_line=True)
