"""From movements to facts: when each is reported, in which upload, under which event_id."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Final

from peserta.demo.story.payroll import SUNDAY, Movement
from peserta.demo.story.plan import FIRST_ON, LAST_ON, Company

JAKARTA: Final = timezone(timedelta(hours=7))
HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
LINE_MS: Final = 40
"""Between two lines of one upload; half of it is drawn by lot."""
HOLIDAYS: Final = (date(2025, 3, 28), date(2025, 4, 7))
"""Lebaran leave, inclusive: nobody uploads."""
FORGOTTEN_PCT: Final = 2
FORGOTTEN_DAYS: Final = (8, 40)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Fields = Mapping[str, object]


@dataclass(frozen=True)
class Report:
    """A fact and when it is recorded (milliseconds since 1970-01-01T00:00Z)."""

    recorded_at: int
    fact: Fields
    """The JSON form of SEMANTICS 1 without `recorded_at`."""

    @property
    def recorded_on(self) -> date:
        return moment(self.recorded_at).date()

    @property
    def event_id(self) -> str:
        return str(self.fact["event_id"])

    @property
    def worker_id(self) -> str:
        return str(self.fact["worker_id"])

    def line(self) -> str:
        """One NDJSON line, without its end."""
        return json.dumps({**self.fact, "recorded_at": instant_text(self.recorded_at)}, separators=(",", ":"))


def moment(at: int) -> datetime:
    """An instant in Asia/Jakarta."""
    return (EPOCH + timedelta(milliseconds=at)).astimezone(JAKARTA)


def instant_text(at: int) -> str:
    return moment(at).isoformat(timespec="milliseconds")


def instant(on: date, hour: int) -> int:
    """Milliseconds at a full hour, Asia/Jakarta."""
    return (datetime(on.year, on.month, on.day, hour, tzinfo=JAKARTA) - EPOCH) // timedelta(milliseconds=1)


def event_id(at: int, rng: Random) -> str:
    """A UUIDv7 (RFC 9562) whose random bits come from the seed."""
    digits = f"{at:012x}7{rng.getrandbits(12):03x}{1 << 63 | rng.getrandbits(62):016x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def reports(company: Company, movements: Sequence[Movement], rng: Random) -> list[Report]:
    """The company's reports in order of recorded_at, without those after LAST_ON.

    All movements of one worker on one day go into one upload: reported separately, they would change their order.
    """
    forms: dict[tuple[str, date], date] = {}
    uploads: dict[date, list[Movement]] = {}
    for movement in movements:
        form = (movement.worker_id, movement.effective_on)
        if form not in forms:
            forms[form] = upload_on(company, movement, rng)
        uploads.setdefault(forms[form], []).append(movement)
    days = sorted(on for on in uploads if on <= LAST_ON)
    return [report for on in days for report in upload(company, on, uploads[on], rng)]


def upload_on(company: Company, movement: Movement, rng: Random) -> date:
    """The date on which a movement is reported; everything from before FIRST_ON comes with the first upload."""
    if movement.reported_on:
        return movement.reported_on
    if movement.effective_on <= FIRST_ON:
        return FIRST_ON
    days = rng.randint(*company.reported_after_days)
    if rng.randrange(100) < FORGOTTEN_PCT:
        days += rng.randint(*FORGOTTEN_DAYS)
    on = movement.effective_on + timedelta(days=days)
    if HOLIDAYS[0] <= on <= HOLIDAYS[1]:
        on = HOLIDAYS[1] + timedelta(days=1)
    return on + timedelta(days=1) if on.weekday() == SUNDAY else on


def upload(company: Company, on: date, movements: Iterable[Movement], rng: Random) -> list[Report]:
    """One file: its lines are recorded within minutes, and were typed in, in the same order, in the hour before."""
    lines = list(movements)
    start = instant(on, company.upload_hour) + rng.randrange(20 * MINUTE_MS)
    at, typed_at = start, start - HOUR_MS
    step = HOUR_MS // (len(lines) + 1)
    uploaded = []
    for movement in lines:
        at += LINE_MS // 2 + rng.randrange(LINE_MS)
        typed_at += step
        uploaded.append(Report(at, fact(company, movement, typed_at, rng)))
    return uploaded


def fact(company: Company, movement: Movement, occurred_at: int, rng: Random) -> Fields:
    """The JSON form of a movement."""
    return {
        "type": movement.type,
        "event_id": event_id(occurred_at, rng),
        "company_id": company.company_id,
        "worker_id": movement.worker_id,
        "effective_on": movement.effective_on.isoformat(),
        "occurred_at": instant_text(occurred_at),
        "source": company.source,
        **movement.own,
    }
