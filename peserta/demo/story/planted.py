"""The disorder of real publishers, planted into a company's reports: each function gives reports to add, and notes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from peserta.demo.story.notes import Note, Planted
from peserta.demo.story.plan import LAST_ON
from peserta.demo.story.reporting import HOUR_MS, MINUTE_MS, Report, event_id, instant_text

DAY_MS: Final = 24 * HOUR_MS
AGAIN_AFTER_MS: Final = 40 * MINUTE_MS
UPLOADS_TWICE_FROM: Final = date(2025, 7, 1)
PLANTED_UNTIL: Final = LAST_ON - timedelta(days=14)
"""Facts recorded later are not corrected, so that their corrections are still recorded in the story."""
BACK_DATED_DAYS: Final = 21
CORRECTIONS_A_COMPANY: Final = 3
RENEWALS_A_COMPANY: Final = 6
END_ENTERED_MS: Final = (-30 * MINUTE_MS, 2 * DAY_MS)
"""How long after the new contract the end of the old one is entered: before it, and after it."""


@dataclass(frozen=True)
class Plant:
    """Reports to add to a company's own, with what to know about them."""

    reports: tuple[Report, ...] = ()
    notes: tuple[Note, ...] = ()


def double_upload(reports: Sequence[Report]) -> Plant:
    """The largest file since UPLOADS_TWICE_FROM comes again, line for line."""
    files = Counter(r.recorded_on for r in reports if UPLOADS_TWICE_FROM <= r.recorded_on <= PLANTED_UNTIL)
    on = max(sorted(files), key=files.__getitem__)
    again = tuple(Report(r.recorded_at + AGAIN_AFTER_MS, r.fact) for r in reports if r.recorded_on == on)
    sentence = f"The file of {on} with {len(again)} lines is uploaded twice, the second time 40 minutes later."
    return Plant(again, (note(Planted.DOUBLE_UPLOAD, sentence, *again),))


def id_conflict(reports: Sequence[Report], rng: Random) -> Plant:
    """A hire comes again two days later, with its event_id and another employment type."""
    hire = rng.choice(later(reports, "hire"))
    other = "permanent" if hire.fact["employment_type"] != "permanent" else "fixed_term"
    again = Report(hire.recorded_at + 2 * DAY_MS, {**hire.fact, "employment_type": other})
    sentence = f"A hire comes again with the same event_id, but as {other}: refused, the first one stands."
    return Plant((again,), (note(Planted.ID_CONFLICT, sentence, again),))


def nobody_there(reports: Sequence[Report], rng: Random) -> Plant:
    """Somebody who has left is terminated again, and somebody who never came is terminated once."""
    left = rng.choice(later(reports, "termination"))
    twice = restated(left, left.recorded_at + 3 * DAY_MS, rng)
    stranger = f"w-{rng.getrandbits(32):08x}"
    never_came = restated(left, left.recorded_at + 4 * DAY_MS, rng, worker_id=stranger)
    return Plant(
        (twice, never_came),
        (
            note(Planted.NOBODY_THERE, "Somebody who has left is terminated again, as a new fact.", twice),
            note(Planted.NOBODY_THERE, "Somebody who was never hired here is terminated.", never_came),
        ),
    )


def unknown_target(reports: Sequence[Report], rng: Random) -> Plant:
    """A correction names a fact that was never published."""
    some = rng.choice(later(reports, "hire"))
    lost = correction(some, some.recorded_at + DAY_MS, rng, corrects=event_id(some.recorded_at, rng))
    return Plant((lost,), (note(Planted.UNKNOWN_TARGET, "A correction names a fact that was never published.", lost),))


def corrections(reports: Sequence[Report], rng: Random) -> Plant:
    """Some hires with a wrong date are voided days later and sent again with the right one."""
    wrong = rng.sample(later(reports, "hire"), CORRECTIONS_A_COMPANY)
    plants = [correct_date(hire, rng) for hire in sorted(wrong, key=lambda r: r.recorded_at)]
    return Plant(
        tuple(report for plant in plants for report in plant.reports),
        tuple(each for plant in plants for each in plant.notes),
    )


def correct_date(hire: Report, rng: Random) -> Plant:
    at = hire.recorded_at + rng.randint(1, 9) * DAY_MS
    right_on = date.fromisoformat(str(hire.fact["effective_on"])) - timedelta(days=rng.randint(1, 5))
    void = correction(hire, at, rng)
    right = restated(hire, at + MINUTE_MS, rng, effective_on=right_on.isoformat())
    sentence = f"A hire was dated {hire.fact['effective_on']}; it is voided and said again for {right_on}."
    return Plant((void, right), (note(Planted.CORRECTION, sentence, void, right),))


def correction_first(reports: Sequence[Report], rng: Random) -> Plant:
    """A termination by mistake whose correction overtakes it by half an hour: the worker stays."""
    mistaken = rng.choice(later(reports, "termination"))
    void = correction(mistaken, mistaken.recorded_at - 30 * MINUTE_MS, rng)
    sentence = "A termination by mistake is voided half an hour before it comes: the worker stays."
    return Plant((void,), (note(Planted.CORRECTION_FIRST, sentence, void, mistaken),))


def renewals(reports: Sequence[Report], rng: Random) -> Plant:
    """Some contracts that follow another have its end beside them, entered by turns before the hire and after it."""
    followed = following_hires(reports)
    plants = []
    for number, hire in enumerate(rng.sample(followed, min(len(followed), RENEWALS_A_COMPANY))):
        after_ms = END_ENTERED_MS[number % len(END_ENTERED_MS)]
        end = ending(hire, hire.recorded_at + after_ms, rng)
        both, entered = ((end, hire), "first") if after_ms < 0 else ((hire, end), "last")
        sentence = (
            f"A contract ends on {hire.fact['effective_on']}, where the next begins; its end is entered {entered}."
        )
        plants.append(Plant((end,), (note(Planted.RENEWAL, sentence, *both),)))
    return Plant(
        tuple(report for plant in plants for report in plant.reports),
        tuple(each for plant in plants for each in plant.notes),
    )


def following_hires(reports: Sequence[Report]) -> list[Report]:
    """The hires of people who are inside already, early enough for an end that is entered after them."""
    inside: set[str] = set()
    following, in_time = [], {r.event_id for r in later(reports, "hire")}
    for report in sorted(reports, key=lambda r: (str(r.fact["effective_on"]), str(r.fact["occurred_at"]))):
        if report.fact["type"] == "hire":
            if report.worker_id in inside and report.event_id in in_time:
                following.append(report)
            inside.add(report.worker_id)
        elif report.fact["type"] == "termination":
            inside.discard(report.worker_id)
    return following


# ---- what is there already, pointed out


def rehire(reports: Sequence[Report]) -> Plant:
    """A note on the first worker who came back after a termination; empty if nobody did."""
    gone: dict[str, Report] = {}
    for report in reports:
        if report.fact["type"] == "termination":
            gone[report.worker_id] = report
        elif report.fact["type"] == "hire" and (left := gone.get(report.worker_id)):
            sentence = f"Somebody who left on {left.fact['effective_on']} comes back on {report.fact['effective_on']}."
            return Plant(notes=(note(Planted.REHIRE, sentence, left, report),))
    return Plant()


def back_dated(reports: Sequence[Report]) -> Plant:
    """A late reporter's hires and terminations, in one note on the first of them."""
    late = [r for r in reports[1:] if days_late(r) >= BACK_DATED_DAYS and r.recorded_on != reports[0].recorded_on]
    sentence = f"{len(late)} facts are recorded {BACK_DATED_DAYS} days or more after the date from which they hold."
    return Plant(notes=(note(Planted.BACK_DATED, sentence, *late),))


def future_dated(reports: Sequence[Report]) -> Plant:
    """Contracts that were recorded before they begin, in one note for each beginning."""
    beginnings: dict[str, list[Report]] = {}
    for report in reports:
        if days_late(report) < 0:
            beginnings.setdefault(str(report.fact["effective_on"]), []).append(report)
    notes = [
        note(Planted.FUTURE_DATED, f"{len(signed)} contracts are recorded before they begin on {on}.", *signed)
        for on, signed in beginnings.items()
    ]
    return Plant(notes=tuple(notes))


# ---- parts


def note(kind: Planted, sentence: str, *about: Report) -> Note:
    first = about[0]
    return Note(kind, str(first.fact["company_id"]), first.recorded_on, sentence, tuple(r.event_id for r in about))


def days_late(report: Report) -> int:
    """Days between the date from which a fact holds and its recording; negative when it is recorded ahead."""
    return (report.recorded_on - date.fromisoformat(str(report.fact["effective_on"]))).days


def later(reports: Sequence[Report], type: str) -> list[Report]:
    """Facts of one type after the first upload, early enough for an answer within the story."""
    first_on = reports[0].recorded_on
    return [r for r in reports if r.fact["type"] == type and first_on < r.recorded_on <= PLANTED_UNTIL]


def restated(like: Report, at: int, rng: Random, **changed: str) -> Report:
    """The same fact, with changes, as a new one."""
    occurred_at = at - MINUTE_MS
    new = {"event_id": event_id(occurred_at, rng), "occurred_at": instant_text(occurred_at)}
    return Report(at, {**like.fact, **new, **changed})


def ending(hire: Report, at: int, rng: Random) -> Report:
    """The end of the contract before a hire, effective on the same date."""
    kept = {key: hire.fact[key] for key in ("company_id", "worker_id", "effective_on", "source")}
    occurred_at = at - MINUTE_MS
    when = {"event_id": event_id(occurred_at, rng), "occurred_at": instant_text(occurred_at)}
    return Report(at, {"type": "termination", **kept, **when, "reason": "contract_ended"})


def correction(target: Report, at: int, rng: Random, corrects: str | None = None) -> Report:
    """A correction of the target, or of what `corrects` names; it holds from the same date."""
    kept = {key: target.fact[key] for key in ("company_id", "worker_id", "effective_on", "source")}
    occurred_at = at - MINUTE_MS
    fact = {
        "type": "correction",
        "event_id": event_id(occurred_at, rng),
        **kept,
        "occurred_at": instant_text(occurred_at),
        "corrects": corrects or target.event_id,
    }
    return Report(at, fact)
