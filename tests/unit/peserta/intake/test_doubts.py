"""The warnings about policies that are valid but may not be intended."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peserta.intake.doubts import unraised_versions
from peserta.operations.unmatched_scopes import DOUBTS_OF_A_PART_MAX, unmatched_scopes
from schemas.records import Company, Policy, Scope
from tests.support.journals import deterministic

P = Policy("p", 6000, 20_000, title="p")
COMPANIES = [
    Company("C1", regency="Jepara", kbli="15201"),
    Company("C2", regency="Kota Semarang", kbli="15202"),
    Company("C3"),
]


def said(scope: Scope, companies: list[Company] = COMPANIES) -> list[str]:
    return list(unmatched_scopes([("p", scope)], companies))


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (Scope(), []),
        (Scope(regencies=("Jepara",)), []),
        (Scope(kbli_prefixes=("15", "1520")), []),
        (Scope(company_ids=("C3",)), []),
        (Scope(("C1",), ("Jepara",), ("152",)), []),
        (
            Scope(regencies=("jepara",)),
            ["p: scope.regencies: no registered company matches 'jepara'; the nearest known is 'Jepara'"],
        ),
        (
            Scope(regencies=("Jepara", "Semarang")),
            ["p: scope.regencies: no registered company matches 'Semarang'; the nearest known is 'Kota Semarang'"],
        ),
        (Scope(regencies=("Xyz",)), ["p: scope.regencies: no registered company matches 'Xyz'"]),
        (
            Scope(company_ids=("c1",)),
            ["p: scope.company_ids: no registered company matches 'c1'; the nearest known is 'C1'"],
        ),
        (
            Scope(kbli_prefixes=("1530",)),
            ["p: scope.kbli_prefixes: no registered company matches '1530'; the nearest known is '15202'"],
        ),
        (
            Scope(("C1",), ("Kota Semarang",)),
            ["p: scope: no registered company matches all of company_ids, regencies together"],
        ),
    ],
)
def test_a_scope_without_a_registered_company_is_said(scope: Scope, words: list[str]) -> None:
    assert said(scope) == words


def test_an_empty_registry_is_said_once() -> None:
    assert said(Scope(("a",), ("b",), ("1",)), []) == [
        "p: no company is registered yet, so its scope cannot be checked"
    ]


def test_of_many_a_few_are_said() -> None:
    words = said(Scope(company_ids=tuple(f"X{n}" for n in range(DOUBTS_OF_A_PART_MAX + 3))))
    assert len(words) == DOUBTS_OF_A_PART_MAX + 1
    assert words[-1] == "p: scope.company_ids: nor do 3 others match any"


def test_a_long_number_is_not_repeated() -> None:
    assert "3175012345678901" not in str(said(Scope(company_ids=("3175012345678901",))))


few = st.sampled_from(["a", "ab", "b"])
parts = st.none() | st.lists(few, min_size=1, max_size=2).map(tuple)


@settings(deterministic, max_examples=300)
@given(
    st.builds(Scope, parts, parts, parts),
    st.lists(st.builds(Company, few, st.none(), st.none() | few, st.none() | few), max_size=3),
)
def test_whenever_nobody_is_in_scope_something_is_said(scope: Scope, companies: list[Company]) -> None:
    within = [
        c
        for c in companies
        if (scope.company_ids is None or c.company_id in scope.company_ids)
        and (scope.regencies is None or c.regency in scope.regencies)
        and (scope.kbli_prefixes is None or (c.kbli or "").startswith(scope.kbli_prefixes))
    ]
    limited = (scope.company_ids, scope.regencies, scope.kbli_prefixes) != (None, None, None)
    if limited and not within:
        assert said(scope, companies)
    if not limited:
        assert said(scope, companies) == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (P, []),
        (replace(P, threshold_bp=7000, version=2), []),
        (replace(P, policy_id="new"), []),
        (replace(P, threshold_bp=7000), ["(1) is the same: raise it"]),
        (replace(P, title="other"), ["(1) is the same: raise it"]),
        (replace(P, version=0), ["(0) is below the standing 1: raise it"]),
    ],
)
def test_other_content_under_a_version_that_does_not_say_so(wanted: Policy, words: list[str]) -> None:
    found = list(unraised_versions([wanted], {"p": P}))
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found, strict=True))
