"""The answers to the questions of workers, computed slowly from the naive book: SEMANTICS 14, day by day."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from schemas.dates import day
from schemas.records import Day
from tests.support.naive_timeline import Facts, WorkerClass
from tests.support.question_answers import Answer, Rows, Values, at_of, class_at, is_covered, iso, smallest_not_exceeded
from tests.support.question_books import FIRST, QuestionBook

EARLIEST: Final[Day] = FIRST - 90  # before every fact of these books
AHEAD_DAYS: Final = 120  # more than from any date that is asked about to the end of the last grace period


class Uncovered(NamedTuple):
    """A worker who is inside and not covered on a date."""

    company_id: str
    worker_id: str
    now: WorkerClass
    spell_start: Day
    due_on: Day

    @property
    def missing(self) -> str:
        return "+".join(name for name in ("JKK", "JKM") if name not in self.now.programmes)


def spell_start(facts: Facts, on: Day) -> Day:
    """The first of the days inside up to a date on which the worker is inside."""
    while class_at(facts, on - 1) is not None:
        on -= 1
    return on


def is_settled(worker: WorkerClass | None) -> bool:
    return worker is not None and not worker.new


def due_on(facts: Facts, on: Day) -> Day:
    """The first day that is not new: ahead of who is new on the date, else the first of the settled days up to it."""
    now = class_at(facts, on)
    if now is not None and now.new:
        return next(d for d in range(on, on + AHEAD_DAYS) if (then := class_at(facts, d)) is None or not then.new)
    while is_settled(class_at(facts, on - 1)):
        on -= 1
    return on


def uncovered(book: QuestionBook, values: Values) -> Iterator[Uncovered]:
    on = day(values["as_of"])
    for company, workforce in book.known(at_of(values)).items():
        for worker, facts in workforce.facts.items():
            now = class_at(facts, on)
            if now is not None and not is_covered(now) and values["company"] in ("", company):
                yield Uncovered(company, worker, now, spell_start(facts, on), due_on(facts, on))


def to_enroll(book: QuestionBook, values: Values) -> Rows:
    on = day(values["as_of"])
    found = sorted(uncovered(book, values), key=lambda each: (each.due_on, *each[:2]))
    return [
        (*each[:2], each.now.employment_type, iso(each.spell_start), iso(each.due_on), each.due_on - on, each.missing)
        for each in found
    ]


def overdue_workers(book: QuestionBook, values: Values) -> Rows:
    on = day(values["as_of"])
    found = [each for each in uncovered(book, values) if not each.now.new]
    return [
        (*each[:2], each.now.employment_type, iso(each.spell_start), on - each.due_on, each.missing)
        for each in sorted(found, key=lambda each: (each.due_on, *each[:2]))
    ]


def overdue(book: QuestionBook, values: Values) -> Rows:
    days: dict[str, list[int]] = {}
    for company, _, _, _, overdue_days, _ in overdue_workers(book, values):
        days.setdefault(company, []).append(overdue_days)
    rows = [(company, len(found), max(found)) for company, found in days.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0]))


def spell_starts(facts: Facts, first: Day, last: Day) -> list[Day]:
    """The days on which a spell starts: inside, and outside the day before."""
    return [on for on in range(first, last + 1) if class_at(facts, on) is not None and class_at(facts, on - 1) is None]


def time_to_cover(book: QuestionBook, values: Values) -> Rows:
    as_of, first, last = (day(values[name]) for name in ("as_of", "from", "to"))
    spells: dict[str, list[tuple[int | None, bool, bool]]] = {}
    for company, workforce in book.known(at_of(values)).items():
        for facts in workforce.facts.values() if values["company"] in ("", company) else ():
            for start in spell_starts(facts, first, min(last, as_of)):
                began, end = class_at(facts, start), start
                assert began is not None
                while end < as_of and class_at(facts, end + 1) is not None:
                    end += 1
                covered_on = next((d for d in range(start, end + 1) if is_covered(class_at(facts, d))), None)
                then = None if covered_on is None else class_at(facts, covered_on)
                still = end == as_of and not is_covered(class_at(facts, as_of))
                took = None if covered_on is None else covered_on - start
                spells.setdefault(began.employment_type, []).append((took, then is not None and then.new, still))
    rows: list[tuple[Any, ...]] = []
    for name, found in sorted(spells.items()):
        days = [took for took, _, _ in found if took is not None]
        within, still_uncovered = sum(each[1] for each in found), sum(each[2] for each in found)
        shares = smallest_not_exceeded(days, 1, 2), smallest_not_exceeded(days, 9, 10)
        rows.append((name, len(found), len(days), within, still_uncovered, *shares))
    return rows


def moves(book: QuestionBook, values: Values) -> Rows:
    as_of, first, last = (day(values[name]) for name in ("as_of", "from", "to"))
    known, within = book.known(at_of(values)), int(values["within_days"])
    pairs: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
    for there, workforce in known.items():
        for worker, facts in workforce.facts.items():
            for here in known.keys() - {there}:
                before = known[here].facts.get(worker, ())
                found = [
                    (joined, left)
                    for joined in spell_starts(facts, first, last)
                    for left in range(joined - within, joined + 1)
                    if class_at(before, left) is None and class_at(before, left - 1) is not None
                ]
                if found:
                    joined, left = max(found)
                    covered_after = is_covered(class_at(facts, min(joined + 30, as_of)))
                    covered_before = is_covered(class_at(before, left - 1))
                    pairs.setdefault((here, there), []).append((covered_before, covered_after))
    rows = [(*pair, len(found), *(sum(each[n] for each in found) for n in (0, 1))) for pair, found in pairs.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0], row[1]))


WORKER_ANSWERS: Final[dict[str, Answer]] = {
    each.__name__: each for each in (to_enroll, overdue, overdue_workers, time_to_cover, moves)
}
