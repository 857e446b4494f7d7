"""Policies and registry entries that came another way than by a file: could a file have held them?"""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from schemas.records import Baseline, Company, Policy, Scope
from streams.core.declared import keeps_rules
from tests.support import journals
from tests.support.journals import deterministic


@settings(deterministic, max_examples=100)
@given(journals.policies())
def test_a_policy_within_the_rules_keeps_them(policy: Policy) -> None:
    assert keeps_rules(policy)
    assert keeps_rules(replace(policy, title=""))


@settings(deterministic, max_examples=50)
@given(journals.companies)
def test_a_registry_entry_within_the_rules_keeps_them(company: Company) -> None:
    assert keeps_rules(company)


@pytest.mark.parametrize(
    "record",
    [
        Policy("P 1", 2000, 20_000),
        Policy("P1", 10_001, 20_000),
        Policy("P1", -1, 20_000),
        Policy("P1", 2000, 1 << 40),
        Policy("P1", 2000, -(1 << 31)),
        Policy("P1", 2000, 20_000, required=0),
        Policy("P1", 2000, 20_000, employment_types=0),
        Policy("P1", 2000, 20_000, scope=Scope(company_ids=())),
        Policy("P1", 2000, 20_000, rule="net_new"),
        Policy("P1", 2000, 20_000, hold_days=-1),
        Policy("P1", 2000, 20_000, effective_until=19_999),
        Company(""),
        Company("C 1"),
        Company("C1", name=""),
        Company("C1", contacts=("",)),
        Company("C1", baselines=(Baseline(20_000, 1, 2),)),
        Company("C1", baselines=(Baseline(20_000, 1, 1, 0, 0),)),
        Company("C1", baselines=(Baseline(1 << 40, 1, 1),)),
        Company("C1", baselines=(Baseline(20_000, 1, 1), Baseline(20_000, 2, 1))),
    ],
    ids=repr,
)
def test_a_record_that_no_file_could_hold_does_not_keep_the_rules(record: Policy | Company) -> None:
    assert not keeps_rules(record)
