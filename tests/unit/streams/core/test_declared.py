"""Policies and registry in files (SEMANTICS 6). Each field is wrong once, and the message names entry and field."""

from typing import Any

import pytest

from schemas.contacts import Contact
from schemas.dates import day
from schemas.records import Baseline, Company, Policy, Scope
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, programme_set
from streams.core.declared import POLICIES_MAX, companies, company_entry, policies
from streams.core.declaring import WrongEntry

P: dict[str, Any] = {"policy_id": "P1", "threshold_bp": 2000, "effective_from": "2025-01-01"}
C: dict[str, Any] = {"company_id": "C1"}
B: dict[str, Any] = {"date": "2025-01-01", "active": 10, "covered": 4}
NIK = 3175012345678901


def test_the_defaults_are_those_of_the_table() -> None:
    assert policies([P]) == (Policy("P1", 2000, day("2025-01-01"), title="P1"),)
    policy = policies([P])[0]
    assert (policy.version, policy.rule, policy.clock, policy.min_active, policy.hysteresis_bp, policy.hold_days) == (
        1,
        "level",
        "raw",
        5,
        200,
        0,
    )
    assert (policy.required, policy.employment_types) == (programme_set(("JKK", "JKM")), ALL_EMPLOYMENT_TYPES)
    assert (policy.effective_until, policy.baseline_on, policy.scope) == (None, None, Scope())
    assert companies([C]) == (Company("C1"),)


def test_everything_said_is_taken() -> None:
    said = P | {
        "version": 2,
        "title": "Pakta alas kaki",
        "rule": "growth",
        "threshold_bp": 1_000_000,
        "required": ["JMO", "JMO"],
        "clock": "due",
        "employment_types": ["permanent", "daily"],
        "scope": {"company_ids": ["C1"], "regencies": ["Batam"], "kbli_prefixes": ["15"]},
        "min_active": 0,
        "hysteresis_bp": 0,
        "hold_days": 14,
        "effective_until": "2025-12-31",
        "baseline_on": "2024-12-31",
    }
    assert policies([said]) == (
        Policy(
            "P1",
            1_000_000,
            day("2025-01-01"),
            2,
            "Pakta alas kaki",
            "growth",
            programme_set(("JMO",)),
            "due",
            0b1001,
            Scope(("C1",), ("Batam",), ("15",)),
            0,
            0,
            14,
            day("2025-12-31"),
            day("2024-12-31"),
        ),
    )
    baselines = [B, B | {"required": ["JMO"]}, B | {"date": "2025-02-01", "uncovered_new": 6}]
    company = C | {"name": "PT", "kbli": "01111", "regency": "Batam", "baselines": baselines, "contacts": ["a@b"]}
    assert companies([company]) == (
        Company(
            "C1",
            "PT",
            "01111",
            "Batam",
            (
                Baseline(day("2025-01-01"), 10, 4),
                Baseline(day("2025-01-01"), 10, 4, 0, programme_set(("JMO",))),
                Baseline(day("2025-02-01"), 10, 4, 6),
            ),
            ("a@b",),
        ),
    )


def test_all_employment_types_by_name_are_all() -> None:
    names = ["daily", "fixed_term", "outsourced", "permanent", "unspecified"]
    assert policies([P | {"employment_types": names}]) == policies([P | {"employment_types": "all"}]) == policies([P])


@pytest.mark.parametrize("nothing", [None, []])
def test_an_empty_file_declares_nothing(nothing: object) -> None:
    assert policies(nothing) == ()
    assert companies(nothing) == ()


WRONG_POLICIES = [
    *[pytest.param({k: v for k, v in P.items() if k != name}, name, "missing", id=f"no {name}") for name in P],
    pytest.param(P | {"hold": 3}, "hold", "no field", id="a key that is none"),
    pytest.param(P | {"policy_id": "P 1"}, "policy_id", "letters", id="a blank in the id"),
    pytest.param(P | {"policy_id": "P" * 65}, "policy_id", "64", id="an id of 65"),
    pytest.param(P | {"policy_id": ""}, "policy_id", "1 to 64", id="an empty id"),
    pytest.param(P | {"policy_id": 7}, "policy_id", "text", id="a number for an id"),
    pytest.param(P | {"version": "1"}, "version", "whole", id="version as text"),
    pytest.param(P | {"version": -1}, "version", "lie in", id="version below 0"),
    pytest.param(P | {"version": True}, "version", "whole", id="version true"),
    pytest.param(P | {"title": 2025}, "title", "quotes", id="title as number"),
    pytest.param(P | {"title": "a\ud800"}, "title", "half", id="half a character in the title"),
    pytest.param(P | {"rule": "ratio"}, "rule", "one of", id="unknown rule"),
    pytest.param(P | {"rule": ["level"]}, "rule", "one of", id="rule as list"),
    pytest.param(P | {"threshold_bp": 20.5}, "threshold_bp", "whole", id="threshold with a fraction"),
    pytest.param(P | {"threshold_bp": 10_001}, "threshold_bp", "10000", id="a level above everybody"),
    pytest.param(
        P | {"rule": "growth", "threshold_bp": 1_000_001, "baseline_on": "2025-01-01"},
        "threshold_bp",
        "1000000",
        id="growth above the limit",
    ),
    pytest.param(P | {"threshold_bp": None}, "threshold_bp", "whole", id="threshold null"),
    pytest.param(P | {"required": []}, "required", "list of 1", id="nothing required"),
    pytest.param(P | {"required": ["JKX"]}, "required", "one of", id="unknown programme"),
    pytest.param(P | {"required": "JKK"}, "required", "list", id="required as text"),
    pytest.param(P | {"clock": "wall"}, "clock", "one of", id="unknown clock"),
    pytest.param(P | {"employment_types": "permanent"}, "employment_types", "list", id="a type as text"),
    pytest.param(P | {"employment_types": ["casual"]}, "employment_types", "one of", id="unknown type"),
    pytest.param(P | {"scope": ["C1"]}, "scope", "mapping", id="scope as list"),
    pytest.param(P | {"scope": {"company_ids": []}}, "scope.company_ids", "list of 1", id="scope of nobody"),
    pytest.param(P | {"scope": {"kbli_prefixes": [15]}}, "scope.kbli_prefixes", "quotes", id="KBLI as number"),
    pytest.param(P | {"scope": {"sector": ["15"]}}, "scope.sector", "no field", id="scope by something else"),
    pytest.param(P | {"min_active": -1}, "min_active", "lie in", id="min_active below 0"),
    pytest.param(P | {"hysteresis_bp": "200"}, "hysteresis_bp", "whole", id="hysteresis as text"),
    pytest.param(P | {"hold_days": 3_651}, "hold_days", "3650", id="a hold of more than ten years"),
    pytest.param(P | {"effective_from": "2025-02-30"}, "effective_from", "date", id="a day that is none"),
    pytest.param(P | {"effective_from": 20250101}, "effective_from", "date", id="a date as number"),
    pytest.param(P | {"effective_from": None}, "effective_from", "date", id="no beginning"),
    pytest.param(P | {"effective_until": "2024-12-31"}, "effective_until", "before", id="an end before the beginning"),
    *[
        pytest.param(P | {"rule": rule}, "baseline_on", "needs it", id=f"{rule} without baseline_on")
        for rule in ("increment_pp", "net_new", "growth")
    ],
]
WRONG_COMPANIES = [
    pytest.param({"name": "PT"}, "company_id", "missing", id="no company_id"),
    pytest.param({"company_id": "C 1"}, "company_id", "white space", id="a blank in the id"),
    pytest.param({"company_id": "C" * 65}, "company_id", "64", id="an id of 65"),
    pytest.param({"company_id": "C\udc00"}, "company_id", "half", id="half a character in the id"),
    pytest.param({"company_id": 1}, "company_id", "quotes", id="a number for an id"),
    pytest.param(C | {"wages": 1}, "wages", "no field", id="a key that is none"),
    pytest.param(C | {"name": 1}, "name", "quotes", id="name as number"),
    pytest.param(C | {"kbli": 1111}, "kbli", "quotes", id="KBLI as number"),
    pytest.param(C | {"regency": ["Batam"]}, "regency", "text", id="regency as list"),
    pytest.param(C | {"contacts": "a@b"}, "contacts", "list", id="contacts as text"),
    pytest.param(C | {"contacts": [1]}, "contacts", "quotes", id="a contact as number"),
    pytest.param(C | {"contacts": [{"email": "a@b.id"}]}, "contacts.name", "missing", id="a contact without a name"),
    pytest.param(
        C | {"contacts": [{"name": "HR", "mail": "x"}]}, "contacts.mail", "no field", id="no field of a contact"
    ),
    pytest.param(C | {"contacts": [{"name": "HR", "email": "a@b"}]}, "contacts.email", "e-mail", id="half an address"),
    pytest.param(C | {"contacts": [{"name": "HR", "language": "fr"}]}, "contacts.language", "id, en", id="a language"),
    pytest.param(C | {"contacts": [{"name": "HR", "since": "May"}]}, "contacts.since", "YYYY", id="no date in since"),
    pytest.param(C | {"contacts": [{"name": "HR", "phone": 62}]}, "contacts.phone", "quotes", id="a phone as number"),
    pytest.param(C | {"baselines": B}, "baselines", "list", id="baselines as mapping"),
    pytest.param(C | {"baselines": [B, dict(B)]}, "baselines", "two baselines", id="two baselines for one date"),
    pytest.param(
        C | {"baselines": [B | {"covered": 11}]}, "baselines", "more than active", id="more covered than active"
    ),
    pytest.param(
        C | {"baselines": [B | {"uncovered_new": 7}]}, "baselines", "more than active", id="more new than uncovered"
    ),
    pytest.param(C | {"baselines": [B | {"on": 1}]}, "baselines.on", "no field", id="a baseline's key that is none"),
    pytest.param(C | {"baselines": [B | {"date": "x"}]}, "baselines.date", "date", id="a baseline's date that is none"),
    *[
        pytest.param(
            C | {"baselines": [{k: v for k, v in B.items() if k != name}]},
            f"baselines.{name}",
            "missing",
            id=f"a baseline without {name}",
        )
        for name in B
    ],
    *[
        pytest.param(C | {"baselines": [B | {name: -1}]}, f"baselines.{name}", "lie in", id=f"{name} below 0")
        for name in ("active", "covered", "uncovered_new")
    ],
]


@pytest.mark.parametrize(("entry", "field", "what"), WRONG_POLICIES)
def test_a_wrong_policy_is_named_and_nothing_is_taken(entry: dict[str, Any], field: str, what: str) -> None:
    with pytest.raises(WrongEntry) as wrong:
        policies([P | {"policy_id": "P0"}, entry])
    assert wrong.value.entry.startswith("entry 2")
    assert wrong.value.field == field
    assert what in str(wrong.value)


@pytest.mark.parametrize(("entry", "field", "what"), WRONG_COMPANIES)
def test_a_wrong_company_is_named_and_nothing_is_taken(entry: dict[str, Any], field: str, what: str) -> None:
    with pytest.raises(WrongEntry) as wrong:
        companies([{"company_id": "C0"}, entry])
    assert wrong.value.entry.startswith("entry 2")
    assert wrong.value.field == field
    assert what in str(wrong.value)


@pytest.mark.parametrize("read", [policies, companies])
@pytest.mark.parametrize("file", [{"policy_id": "P"}, "text", 7, [None], ["text"], [["a"]]])
def test_a_file_is_a_list_of_mappings(read: Any, file: object) -> None:
    with pytest.raises(WrongEntry, match="must be a"):
        read(file)


def test_a_repeated_id_names_both_entries() -> None:
    with pytest.raises(WrongEntry, match=r"entry 3 \('P1'\): policy_id: is that of entry 1 as well"):
        policies([P, P | {"policy_id": "P2"}, P])
    with pytest.raises(WrongEntry, match=r"entry 2 \('C1'\): company_id: is that of entry 1 as well"):
        companies([C, C])


def test_there_is_a_limit_to_policies() -> None:
    many = [P | {"policy_id": f"P{n}"} for n in range(POLICIES_MAX + 1)]
    assert len(policies(many[:-1])) == POLICIES_MAX
    with pytest.raises(WrongEntry, match="at most 1000"):
        policies(many)


NUMBERS: list[Any] = [NIK, str(NIK), "12345678901", 12345678901, -NIK, float(NIK), [NIK], {"a": NIK}, {NIK: 1}]


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
@pytest.mark.parametrize(
    "field",
    [
        *P,
        "version",
        "title",
        "rule",
        "required",
        "clock",
        "employment_types",
        "scope",
        "min_active",
        "hysteresis_bp",
        "hold_days",
        "effective_until",
        "baseline_on",
        "baselines",
        "name",
        "kbli",
        "regency",
    ],
)
def test_a_message_never_repeats_what_looks_like_a_personal_number(field: str, number: Any) -> None:
    for read, entry in ((policies, P), (companies, C)):
        try:
            read([entry | {field: number}])
        except WrongEntry as wrong:
            assert "12345678901" not in str(wrong) and str(NIK) not in str(wrong)


@pytest.mark.parametrize("field", [*B, "uncovered_new", "required"])
def test_nor_does_the_message_about_a_baseline(field: str) -> None:
    with pytest.raises(WrongEntry) as wrong:
        companies([C | {"baselines": [B | {field: NIK}]}])
    assert str(NIK) not in str(wrong.value)


def test_nor_does_the_message_about_a_key() -> None:
    for key in (NIK, str(NIK)):
        with pytest.raises(WrongEntry) as wrong:
            companies([C | {key: "x"}])
        assert str(NIK) not in str(wrong.value)


def test_contacts_are_plain_texts_and_people_and_are_written_back_as_such() -> None:
    person = {"name": "Sri", "role": "HR", "email": "sri@pt.example", "language": "id", "since": "2025-01-01"}
    (company,) = companies([C | {"contacts": ["call the gate", person, {"name": "Budi", "phone": "+62 21"}]}])
    assert company.contacts == ("call the gate",)
    assert company.team == (
        Contact("Sri", "HR", "sri@pt.example", None, "id", day("2025-01-01")),
        Contact("Budi", phone="+62 21"),
    )
    assert companies([written(company)]) == (company,)


def written(company: Company) -> dict[str, Any]:
    """The entry as the YAML reader gives it: dates as text."""
    entry = company_entry(company)
    for contact in entry["contacts"]:
        if isinstance(contact, dict) and "since" in contact:
            contact["since"] = str(contact["since"])
    return entry
