"""Coverage as tables for people: the figures of companies, and one company under its policies."""

from collections.abc import Sequence

from peserta.cli.policy_words import scope, target
from peserta.cli.screen import bar, percent, table
from peserta.cli.tables import Sheet
from peserta.operations.coverage_reading import Row, UnderPolicy
from schemas.dates import day_text
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
