"""The changes that turn the current reference data into that of a file."""

from dataclasses import replace

from peserta.intake.reference import Change, Record, changes
from schemas.records import Company, Policy

A, B = Policy("A", 2000, 20_000), Policy("B", 2000, 20_000)
NEWER = replace(B, version=2)
CURRENT_KEY: dict[str, Record] = {"A": A, "B": B, "Z": replace(A, policy_id="Z")}


def test_each_record_is_new_changed_or_unchanged() -> None:
    new = replace(A, policy_id="N")
    assert changes([new, NEWER, A], CURRENT_KEY) == [
        Change("new", "N", new),
        Change("changed", "B", NEWER),
        Change("unchanged", "A", A),
    ]


def test_with_prune_what_is_not_wanted_ends_in_order() -> None:
    assert changes([B], CURRENT_KEY, prune=True) == [
        Change("unchanged", "B", B),
        Change("ended", "A", None),
        Change("ended", "Z", None),
    ]


def test_nothing_wanted_and_nothing_standing_is_nothing_to_do() -> None:
    assert changes([], {}, prune=True) == []


def test_companies_are_known_by_their_id() -> None:
    company = Company("C1", name="PT")
    assert changes([company], {"C1": Company("C1")}) == [Change("changed", "C1", company)]
