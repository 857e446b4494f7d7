"""Policies and registry as people write them (SEMANTICS 6): the mappings of a YAML file -> records, and back.

Reading takes everything or nothing: the first wrong value raises `WrongEntry`, which names entry and field. What a
field may say is in streams.core.reference_rules, how values are written in streams.core.declaring.
"""

from functools import partial
from typing import Any, Final

from schemas.contacts import Contact
from schemas.mappings import company_mapping, policy_mapping
from schemas.records import Baseline, Company, Policy, Scope
from schemas.vocabulary import (
    ALL_EMPLOYMENT_TYPES,
    CLOCKS,
    EMPLOYMENT_TYPE_NUMBER,
    EMPLOYMENT_TYPES,
    PROGRAMME_BIT,
    PROGRAMMES,
    REQUIRED_DEFAULT,
    RULES,
)
from streams.core.declaring import (
    Field,
    date,
    list_of,
    list_or_none,
    or_null,
    read_entries,
    read_mapping,
    scope,
    text,
    whole,
    word,
    written_date,
)
from streams.core.reference_rules import (
    COMPANY_RULES,
    HEADCOUNT_MAX,
    HOLD_DAYS_MAX,
    POLICY_RULES,
    THRESHOLD_BP_MAX,
    VERSION_MAX,
    policy_as_a_whole,
)

POLICIES_MAX: Final = 1_000


def _programmes(value: Any) -> int:
    return sum(PROGRAMME_BIT[name] for name in set(list_of(value, read=partial(word, words=PROGRAMMES))))


def _employment_types(value: Any) -> int:
    if value == "all":
        return ALL_EMPLOYMENT_TYPES
    names = set(list_of(value, read=partial(word, words=EMPLOYMENT_TYPES)))
    return sum(1 << EMPLOYMENT_TYPE_NUMBER[name] for name in names)


def _baseline(value: Any) -> Baseline:
    fields = read_mapping(value, _BASELINE)
    return Baseline(on=fields.pop("date"), **fields)


def _contact(value: Any) -> str | Contact:
    """Plain text, or a mapping."""
    if not isinstance(value, dict):
        return text(value)
    return Contact(**read_mapping(value, _CONTACT))


_headcount: Final = partial(whole, highest=HEADCOUNT_MAX)
_points: Final = partial(whole, highest=max(THRESHOLD_BP_MAX.values()))

_BASELINE: Final = {
    "date": Field(date),
    "active": Field(_headcount),
    "covered": Field(_headcount),
    "uncovered_new": Field(_headcount, 0),
    "required": Field(_programmes, REQUIRED_DEFAULT),
}
_CONTACT: Final[dict[str, Field]] = {
    "name": Field(text),
    **dict.fromkeys(("role", "email", "phone", "language"), Field(or_null(text), None)),
    "since": Field(or_null(date), None),
}
_COMPANY: Final = {
    "company_id": Field(text),
    "name": Field(or_null(text), None),
    "kbli": Field(or_null(text), None),
    "regency": Field(or_null(text), None),
    "baselines": Field(partial(list_or_none, read=_baseline), ()),
    "contacts": Field(partial(list_or_none, read=_contact), ()),
}
_POLICY: Final = {
    "policy_id": Field(text),
    "version": Field(partial(whole, highest=VERSION_MAX), 1),
    "title": Field(text, ""),
    "rule": Field(partial(word, words=RULES), "level"),
    "threshold_bp": Field(_points),
    "required": Field(_programmes, REQUIRED_DEFAULT),
    "clock": Field(partial(word, words=CLOCKS), "raw"),
    "employment_types": Field(_employment_types, ALL_EMPLOYMENT_TYPES),
    "scope": Field(scope, Scope()),
    "min_active": Field(_headcount, 5),
    "hysteresis_bp": Field(_points, 200),
    "hold_days": Field(partial(whole, highest=HOLD_DAYS_MAX), 0),
    "effective_from": Field(date),
    "effective_until": Field(or_null(date), None),
    "baseline_on": Field(or_null(date), None),
}


# ---------------------------------------------------------------- entries


def _policy(value: Any) -> Policy:
    fields = read_mapping(value, _POLICY, POLICY_RULES)
    policy = Policy(**{**fields, "title": fields["title"] or fields["policy_id"]})
    policy_as_a_whole(policy)
    return policy


def _company(value: Any) -> Company:
    read = read_mapping(value, _COMPANY, COMPANY_RULES)
    contacts = read.pop("contacts")
    plain = tuple(contact for contact in contacts if isinstance(contact, str))
    return Company(**read, contacts=plain, team=tuple(each for each in contacts if isinstance(each, Contact)))


def policies(entries: Any) -> tuple[Policy, ...]:
    """The parsed YAML of a policy file -> its policies; WrongEntry."""
    return read_entries(entries, _policy, "policy_id", POLICIES_MAX)


def companies(entries: Any) -> tuple[Company, ...]:
    """The parsed YAML of a registry -> its companies; WrongEntry."""
    return read_entries(entries, _company, "company_id", HEADCOUNT_MAX)


# ---------------------------------------------------------------- records as they are written


def policy_entry(policy: Policy) -> dict[str, Any]:
    """The mapping that a file has for this policy; `policies` reads it back."""
    fields = policy_mapping(policy)
    fields["scope"] = {name: wanted for name, wanted in fields["scope"].items() if wanted is not None}
    for name in ("effective_from", "effective_until", "baseline_on"):
        fields[name] = None if fields[name] is None else written_date(fields[name])
    return fields


def company_entry(company: Company) -> dict[str, Any]:
    """The mapping that a file has for this registry entry; `companies` reads it back."""
    fields = {name: value for name, value in company_mapping(company).items() if value is not None}
    fields["baselines"] = [{"date": written_date(b.pop("on")), **b} for b in fields["baselines"]]
    fields["contacts"] += [_written_contact(contact) for contact in fields.pop("team", ())]
    return fields


def _written_contact(fields: dict[str, Any]) -> dict[str, Any]:
    on = fields["since"]
    written = fields | ({} if on is None else {"since": written_date(on)})
    return {name: value for name, value in written.items() if value is not None}
