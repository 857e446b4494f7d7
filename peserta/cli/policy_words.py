"""A policy in words for people: what it asks, who counts, whom it concerns."""

from peserta.cli.screen import percent
from schemas.records import Policy, Scope
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, employment_type_names, programme_names


def target(policy: Policy) -> str:
    """What has to be reached."""
    share, points = percent(policy.threshold_bp), percent(policy.threshold_bp).removesuffix(" %")
    return {
        "level": f"at least {share} covered",
        "increment_pp": f"{points} points above the baseline",
        "net_new": f"{share} of the baseline's workers more covered",
        "growth": f"{share} more covered than at the baseline",
    }[policy.rule]


def counted_people(policy: Policy) -> str:
    """Who counts, and with what they are covered."""
    words = [" ".join(programme_names(policy.required))]
    if policy.employment_types != ALL_EMPLOYMENT_TYPES:
        words.append(f"only {', '.join(employment_type_names(policy.employment_types))}")
    if policy.clock == "due":
        words.append("uncovered new workers are left out")
    return "; ".join(words)


def scope(policy: Policy) -> str:
    """Which companies it concerns."""
    return scope_words(policy.scope)


def scope_words(scope: Scope) -> str:
    """Which companies a scope takes in."""
    lists = (("companies", scope.company_ids), ("regencies", scope.regencies), ("KBLI", scope.kbli_prefixes))
    said = [f"{name} {', '.join(wanted)}" for name, wanted in lists if wanted is not None]
    return "; ".join(said) or "everybody"
