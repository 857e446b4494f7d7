"""Policies and registry entries that did not come from a file are checked for the same rules as those in files."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import Baseline, Company, Policy, Scope
from streams.core.reference_rules import BrokenRule, broken_rule
from tests.support import journals
from tests.support.journals import deterministic


@settings(deterministic, max_examples=100)
@given(journals.policies())
def test_a_policy_within_the_rules_keeps_them(policy: Policy) -> None:
    assert broken_rule(policy) is None
    assert broken_rule(replace(policy, title="")) is None


@settings(deterministic, max_examples=50)
@given(journals.companies)
def test_a_registry_entry_within_the_rules_keeps_them(company: Company) -> None:
    assert broken_rule(company) is None


MUST_BE_A_DATE = "must be a date, YYYY-MM-DD"
TEXT, NAME = "must have 1 to 64 characters", "must have 1 to 1000 characters"
LIST = "must be a list of 1 to 10000"
BROKEN = [
    (Policy("P 1", 2000, 20_000), "policy_id", "may have letters, digits and . _ - only"),
    (Policy("P1", 10_001, 20_000), "threshold_bp", "must lie in 0 to 10000 for level"),
    (Policy("P1", -1, 20_000), "threshold_bp", "must lie in 0 to 1000000"),
    (Policy("P1", 2000, 1 << 40), "effective_from", MUST_BE_A_DATE),
    (Policy("P1", 2000, -(1 << 31)), "effective_from", MUST_BE_A_DATE),
    (Policy("P1", 2000, 20_000, baseline_on=1 << 30), "baseline_on", MUST_BE_A_DATE),
    (Policy("P1", 2000, 20_000, required=0), "required", LIST),
    (Policy("P1", 2000, 20_000, employment_types=0), "employment_types", LIST),
    (Policy("P1", 2000, 20_000, scope=Scope(company_ids=())), "scope.company_ids", LIST),
    (Policy("P1", 2000, 20_000, scope=Scope(regencies=("Batam", ""))), "scope.regencies", NAME),
    (Policy("P1", 2000, 20_000, rule="net_new"), "baseline_on", "is missing: the rule net_new needs it"),
    (Policy("P1", 2000, 20_000, hold_days=-1), "hold_days", "must lie in 0 to 3650"),
    (Policy("P1", 2000, 20_000, effective_until=19_999), "effective_until", "lies before effective_from"),
    (Company(""), "company_id", TEXT),
    (Company("C 1"), "company_id", "must not have white space in it"),
    (Company("C1", name=""), "name", NAME),
    (Company("C1", contacts=("a@b", "")), "contacts", NAME),
    (
        Company("C1", baselines=(Baseline(20_000, 1, 2),)),
        "baselines",
        "covered and uncovered_new together are more than active",
    ),
    (Company("C1", baselines=(Baseline(20_000, 1, 1, 0, 0),)), "baselines.required", LIST),
    (Company("C1", baselines=(Baseline(1 << 40, 1, 1),)), "baselines.date", MUST_BE_A_DATE),
    (
        Company("C1", baselines=(Baseline(20_000, 1, 1), Baseline(20_000, 2, 1))),
        "baselines",
        "has two baselines for one date and the same required programmes",
    ),
    (Policy("P1", 2000, 20_000, required=1 << 20 | 1), "required", "is none that a file can hold"),
]


@pytest.mark.parametrize(("record", "field", "rule"), BROKEN, ids=[repr(case[0]) for case in BROKEN])
def test_of_a_record_that_no_file_could_hold_the_field_and_its_rule_are_named(
    record: Policy | Company, field: str, rule: str
) -> None:
    assert broken_rule(record) == BrokenRule(field, rule)


@settings(deterministic, max_examples=100)
@given(st.text(min_size=1, max_size=1100), st.integers(-(1 << 31), (1 << 31) - 1), st.booleans())
def test_a_rule_never_says_the_value(text: str, number: int, many: bool) -> None:
    """The message is one of a few fixed sentences, whatever the value."""
    records = (
        Policy(text, number, number, title=text, min_active=number, hold_days=number),
        Company(text, text, text, text, (Baseline(number, number, number),), (text,) * (2 if many else 10_001)),
    )
    rules = {rule for _, _, rule in BROKEN} | {
        "has half a character in it (a lone surrogate)",
        "must lie in 0 to 1000000000",
        "must lie in 0 to 1000000",
    }
    for record in records:
        broken = broken_rule(record)
        assert broken is None or broken.rule in rules
