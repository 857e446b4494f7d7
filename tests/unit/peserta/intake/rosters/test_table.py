"""The table of SEMANTICS 11 by hand: the state in the book, the row of the roster, and the facts that it needs."""

from typing import Final

import pytest

from peserta.intake.rosters.roster import Roll, Roster, RosterRow
from schemas.dates import day, day_text
from schemas.records import Fact
from schemas.vocabulary import (
    ACTIONS,
    EMPLOYMENT_TYPE_NUMBER,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    HIRE,
    TERMINATION,
    WITHDRAWN,
    programme_names,
    programme_set,
)
from tests.support.facts import correction, enrollment, hire, termination
from tests.support.random_rosters import OfflineBook

D: Final = "2025-09-30"
ALL: Final = "JKK JKM JHT JP JKP JMO"


def row(held: str = "", employment_type: str = "permanent", started_on: str | None = None) -> RosterRow:
    return RosterRow(
        2,
        "w1",
        EMPLOYMENT_TYPE_NUMBER[employment_type],
        programme_set(held.split()),
        None if started_on is None else day(started_on),
    )


def in_words(fact: Fact) -> str:
    """A fact of a roster in the notation of the cases below."""
    on = day_text(fact.effective_on)
    if fact.kind == HIRE:
        return f"hire {EMPLOYMENT_TYPES[fact.detail]} {on}"
    if fact.kind == TERMINATION:
        return f"termination {on}"
    assert fact.kind == ENROLLMENT
    return f"{ACTIONS[1 if fact.detail & WITHDRAWN else 0]} {'+'.join(programme_names(fact.detail))} {on}"


INSIDE: Final = (hire("e1", "2025-09-01"), enrollment("e2", "2025-09-02", "JHT JKK"))
LEFT: Final = (*INSIDE, termination("e3", "2025-09-10"))

CASES: Final[tuple[tuple[str, tuple[Fact, ...], RosterRow | None, str, list[str]], ...]] = (
    ("nobody knows the worker, who is there", (), row(), ALL, [f"hire permanent {D}"]),
    ("... since a date", (), row(started_on="2025-09-15"), ALL, ["hire permanent 2025-09-15"]),
    ("... since a date after D", (), row(started_on="2025-10-01"), ALL, [f"hire permanent {D}"]),
    ("... since D itself", (), row(started_on=D), ALL, [f"hire permanent {D}"]),
    ("... with programmes", (), row("JKM JKK", started_on="2025-09-15"), ALL,
     ["hire permanent 2025-09-15", "enrolled JKK+JKM 2025-09-15"]),
    ("enrolled before any hire", (enrollment("e1", "2025-09-05", "JKK JP"),), row("JKK JHT"), ALL,
     [f"hire permanent {D}", f"enrolled JHT {D}", f"withdrawn JP {D}"]),
    ("left, and is there again", LEFT, row("JKK"), ALL, [f"hire permanent {D}", f"enrolled JKK {D}"]),
    ("... since the day after", LEFT, row(started_on="2025-09-11"), ALL, ["hire permanent 2025-09-11"]),
    ("... since the day of the termination", LEFT, row(started_on="2025-09-10"), ALL, [f"hire permanent {D}"]),
    ("... since a day before a termination that is void",
     (*LEFT, termination("e4", "2025-09-20"), correction("e5", "e4")), row(started_on="2025-09-15"), ALL,
     ["hire permanent 2025-09-15"]),
    ("leaves only after D", (*INSIDE, termination("e3", "2025-10-05")), row("JHT JKK"), ALL, []),
    ("comes only after D", (hire("e1", "2025-10-05"),), row(started_on="2025-09-15"), ALL,
     ["hire permanent 2025-09-15"]),
    ("is as the roster says", INSIDE, row("JHT JKK"), ALL, []),
    ("has another type", INSIDE, row("JHT JKK", "daily", "2025-09-05"), ALL, [f"hire daily {D}"]),
    ("has more programmes in the roster", INSIDE, row("JHT JKK JKM JP", started_on="2025-09-01"), ALL,
     [f"enrolled JKM+JP {D}"]),
    ("has fewer", INSIDE, row("JKK"), ALL, [f"withdrawn JHT {D}"]),
    ("has fewer, and the file has no such column", INSIDE, row("JKK"), "JKK JKM", []),
    ("other type, other programmes", INSIDE, row("JKK JKM", "daily"), ALL,
     [f"hire daily {D}", f"enrolled JKM {D}", f"withdrawn JHT {D}"]),
    ("is absent", INSIDE, None, ALL, [f"termination {D}"]),
    ("is absent, and had left", LEFT, None, ALL, []),
    ("is absent, and comes only after D", (hire("e1", "2025-10-05"),), None, ALL, []),
    # Cases in which the table alone would not lead to the state in the roster.
    ("a contract ends on D: the hire renews it, with its programmes", (*INSIDE, termination("e3", D, "contract_ended")),
     row("JKK JKM"), ALL, [f"hire permanent {D}", f"enrolled JKM {D}", f"withdrawn JHT {D}"]),
    ("a programme was withdrawn after the start", (enrollment("e1", "2025-09-20", "JKK", withdrawn=True),),
     row("JKK JKM", started_on="2025-09-15"), ALL, ["hire permanent 2025-09-15", f"enrolled JKK+JKM {D}"]),
    ("... on the day of the start", (enrollment("e1", "2025-09-15", "JKK", withdrawn=True),),
     row("JKK", started_on="2025-09-15"), ALL, ["hire permanent 2025-09-15", "enrolled JKK 2025-09-15"]),
)  # fmt: skip


@pytest.mark.parametrize(
    ("known", "there", "columns", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_table(known: tuple[Fact, ...], there: RosterRow | None, columns: str, expected: list[str]) -> None:
    rows = () if there is None else (there,)
    roster = Roster(Roll("C1", day(D)), rows, programme_set(columns.split()))
    book = OfflineBook(known)
    assert [in_words(each.fact) for each in book.apply(roster).facts] == expected
    assert book.compared(roster).facts == ()
