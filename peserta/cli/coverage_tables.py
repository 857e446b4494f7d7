"""Coverage and policies as tables for people: figures, what a policy asks, of whom, compared with what."""

from collections.abc import Sequence

from peserta.cli.screen import bar, percent, table
from peserta.cli.tables import Sheet
from peserta.operations.coverage_reading import Row, UnderPolicy
from schemas.dates import day_text
from schemas.records import Policy
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, employment_type_names, programme_names
from streams.core.evaluability import REASONS_WHY


def coverage_table(found: Sequence[Row]) -> Sheet:
    """The figures of companies."""
    columns = ("company", "name", "active", "covered", "uncovered", "new", "coverage", "", "as of")
    rows = [
        (r["company_id"], r["name"], r["active"], r["covered"], r["uncovered"], r["uncovered_new"],
         percent(r["coverage_bp"]), bar(r["coverage_bp"]), r["as_of"])
        for r in found
    ]  # fmt: skip
    return table(
        "Coverage",
        columns,
        rows,
        right=("coverage",),
        prose=("name",),
        drawn=("",),
        spare=("", "name", "new"),
        where="a wider terminal, or --json",
    )


def policies_table(policies: Sequence[UnderPolicy]) -> Sheet:
    """How a company stands under its policies."""
    columns = ("policy", "state", "since", "missing", "covered", "target", "baseline", "scope", "not evaluable because")
    rows = [
        (each.policy.policy_id, each.state.replace("_", " "), each.since, each.gap_people,
         f"{each.counts.covered} of {each.counts.divisor(each.policy.clock)}", target(each.policy),
         _baseline(each), scope(each.policy), _why(each))
        for each in policies
    ]  # fmt: skip
    prose = ("target", "baseline", "scope", "not evaluable because")
    return table("Policies", columns, rows, right=("covered",), prose=prose, records=True)


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
    lists = (
        ("companies", policy.scope.company_ids),
        ("regencies", policy.scope.regencies),
        ("KBLI", policy.scope.kbli_prefixes),
    )
    said = [f"{name} {', '.join(wanted)}" for name, wanted in lists if wanted is not None]
    return "; ".join(said) or "everybody"


def _baseline(under: UnderPolicy) -> str:
    """The figures that the company is compared with; nothing for a rule that has none."""
    policy, found = under.policy, under.baseline
    if policy.rule == "level" or policy.baseline_on is None:
        return ""
    if found is None:
        return f"on {day_text(policy.baseline_on)}, still ahead"
    figures = f"{found.covered} of {found.divisor(policy.clock)}"
    return f"{figures} on {day_text(policy.baseline_on)}, {'declared' if under.declared else 'counted'}"


def _why(under: UnderPolicy) -> str:
    """Why the company is not evaluable; nothing while it is."""
    return REASONS_WHY[under.why] if under.why is not None and under.state == "not_evaluable" else ""
