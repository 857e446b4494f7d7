"""Registry entries and policies as mappings, for Avro and for state at rest: masks as lists of names, and back."""

from dataclasses import asdict
from typing import Any

from schemas.contacts import Contact
from schemas.records import Baseline, Company, Policy, Scope
from schemas.vocabulary import EMPLOYMENT_TYPE_NUMBER, employment_type_names, programme_names, programme_set


def company_mapping(company: Company) -> dict[str, Any]:
    """All fields of the registry entry; schemas that have no contacts leave them out. `team` is there only if it has
    somebody, so that state at rest stays as earlier releases wrote it."""
    team = {"team": [asdict(contact) for contact in company.team]} if company.team else {}
    return {
        "company_id": company.company_id,
        "name": company.name,
        "kbli": company.kbli,
        "regency": company.regency,
        "baselines": [
            {
                "on": b.on,
                "active": b.active,
                "covered": b.covered,
                "uncovered_new": b.uncovered_new,
                "required": list(programme_names(b.required)),
            }
            for b in company.baselines
        ],
        "contacts": list(company.contacts),
        **team,
    }


def company_from(fields: dict[str, Any]) -> Company:
    return Company(
        company_id=fields["company_id"],
        name=fields["name"],
        kbli=fields["kbli"],
        regency=fields["regency"],
        baselines=tuple(
            Baseline(b["on"], b["active"], b["covered"], b["uncovered_new"], programme_set(b["required"]))
            for b in fields["baselines"]
        ),
        contacts=tuple(fields.get("contacts", ())),
        team=tuple(Contact(**contact) for contact in fields.get("team", ())),
    )


def policy_mapping(policy: Policy) -> dict[str, Any]:
    scope = policy.scope
    return {
        "policy_id": policy.policy_id,
        "version": policy.version,
        "title": policy.title,
        "rule": policy.rule,
        "threshold_bp": policy.threshold_bp,
        "required": list(programme_names(policy.required)),
        "clock": policy.clock,
        "employment_types": list(employment_type_names(policy.employment_types)),
        "scope": {
            name: None if wanted is None else list(wanted)
            for name, wanted in (
                ("company_ids", scope.company_ids),
                ("regencies", scope.regencies),
                ("kbli_prefixes", scope.kbli_prefixes),
            )
        },
        "min_active": policy.min_active,
        "hysteresis_bp": policy.hysteresis_bp,
        "hold_days": policy.hold_days,
        "effective_from": policy.effective_from,
        "effective_until": policy.effective_until,
        "baseline_on": policy.baseline_on,
    }


def policy_from(fields: dict[str, Any]) -> Policy:
    wanted = {name: None if lists is None else tuple(lists) for name, lists in fields["scope"].items()}
    employment_types = 0
    for name in fields["employment_types"]:
        employment_types |= 1 << EMPLOYMENT_TYPE_NUMBER[name]
    return Policy(
        **{
            **fields,
            "required": programme_set(fields["required"]),
            "employment_types": employment_types,
            "scope": Scope(**wanted),
        }
    )
