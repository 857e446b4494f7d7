"""The rules of a journal as files. Reading the written files gives the same records."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from peserta.intake.reference_files import read_companies, read_policies
from peserta.operations.journal_files import Exported, companies_yaml, note, policies_yaml
from schemas.dates import day
from schemas.records import Baseline, Company, CompanySet, Coordinates, Policy, PolicyEnded, PolicySet
from tests.support.facts import level, tick
from tests.support.journals import baselines, deterministic, policies

# Texts that YAML could read as numbers, dates, booleans or null, and characters that it must quote.
AWKWARD = """01111 1e3 2025-01-01 2025-1-1 2025-01-01T00:00:00Z yes No y null ~ 06000 01589 1:40 0x1F 0o17 6_000 6000_
    +5 .inf << = &a *a !a %a @a # ' " --- ... [a] | >-"""
awkward = st.sampled_from(
    [*AWKWARD.split(), *("- a", "a: b", "{a: b}", " a ", "é\n", "\t", "\x85", "\u2028", "\ufeff", "a #b", "a\n\n b")]
)
number_like = st.text("0123456789_:.+-eExob", min_size=1, max_size=9)
text: SearchStrategy[str] = (
    awkward
    | number_like
    | st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=20)
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
)
companies = st.builds(
    Company,
    company_id=st.from_regex(r"[A-Za-z0-9.-]{1,10}", fullmatch=True),
    name=st.none() | text,
    kbli=st.none() | text,
    regency=st.none() | text,
    baselines=st.lists(baselines(), max_size=3, unique_by=lambda b: (b.on, b.required)).map(tuple),
    contacts=st.lists(text, max_size=2).map(tuple),
)


@given(st.lists(policies(), max_size=4, unique_by=lambda policy: policy.policy_id), st.data())
@deterministic
def test_policies_are_read_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, written: list[Policy], data: st.DataObject
) -> None:
    written = [replace(policy, title=data.draw(text)) for policy in written]
    path = tmp_path_factory.getbasetemp() / "policies.yaml"
    path.write_text(policies_yaml(written), encoding="utf-8")
    assert read_policies(path) == tuple(written)


@given(st.lists(companies, max_size=4, unique_by=lambda company: company.company_id))
@deterministic
def test_companies_are_read_as_they_were(tmp_path_factory: pytest.TempPathFactory, written: list[Company]) -> None:
    path = tmp_path_factory.getbasetemp() / "companies.yaml"
    path.write_text(companies_yaml(written), encoding="utf-8")
    assert read_companies(path) == tuple(written)


def test_the_file_reads_like_one_that_people_write(tmp_path: Path) -> None:
    company = Company("JT-1", "Batik", None, "Kota", (Baseline(day("2025-09-11"), 10, 4),))
    assert companies_yaml([company]).splitlines() == [
        "- company_id: JT-1",
        "  name: Batik",
        "  regency: Kota",
        "  baselines:",
        "  - date: 2025-09-11",
        "    active: 10",
        "    covered: 4",
        "    uncovered_new: 0",
        "    required:",
        "    - JKK",
        "    - JKM",
        "  contacts: []",
    ]


# ---------------------------------------------------------------- which rules a journal has

AT = Coordinates("policies", 0, 0)


def test_the_last_version_of_a_policy_holds_and_an_ended_one_does_not() -> None:
    exported, later = Exported(), replace(level("A"), version=2)
    for entry in (PolicySet(AT, 0, level("A")), PolicySet(AT, 0, level("B")), PolicySet(AT, 0, later)):
        note(exported, entry, 0)
    note(exported, PolicyEnded(AT, 0, "B"), 0)
    assert exported.policies == {"A": later}
    assert exported.late_rules == 1  # the ended policy: an offline book would never have known it


def test_a_rule_after_a_fact_of_its_partition_is_late() -> None:
    exported = Exported(partitions_with_facts={1})
    note(exported, CompanySet(AT, 0, Company("C1")), 0)
    assert exported.late_rules == 0
    note(exported, CompanySet(AT, 0, Company("C2")), 1)
    note(exported, tick("2025-01-01"), 1)
    assert exported.late_rules == 1
    assert set(exported.companies) == {"C1", "C2"}
