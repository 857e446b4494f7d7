"""Why a company is not evaluable under a policy (SEMANTICS 6), in one word of a closed list."""

from typing import Final

from schemas.records import Company, Day, Policy
from schemas.scope import is_within
from schemas.vocabulary import WHY_NOT_EVALUABLE
from streams.core.rules import RULES_MET_BY_EVERYBODY

# In the order in which they are checked: the policy itself, its dates, then the company's figures.
ENDED, OUT_OF_SCOPE, BEFORE, AFTER, NOBODY, TOO_FEW, NO_BASELINE = WHY_NOT_EVALUABLE

REASONS_WHY: Final = {
    ENDED: "the policy has ended",
    OUT_OF_SCOPE: "the policy does not concern the company, or the registry does not say",
    BEFORE: "the policy, or the date of its baseline, is still ahead",
    AFTER: "the policy is over",
    NOBODY: "nobody works there whom the policy counts",
    TOO_FEW: "fewer people work there than the policy's min_active",
    NO_BASELINE: "nobody worked there on the date of the baseline whom the policy counts",
}


def why_not_evaluable(
    policy: Policy,
    ended: bool,
    company_id: str,
    registered: Company | None,
    on: Day,
    people: int,
    divisor: int,
    baseline_divisor: int,
) -> str | None:
    """The first reason of REASONS_WHY that applies on this date; None when the company is evaluable.

    `people` are the active of all types, `divisor` is D, `baseline_divisor` D0 (any number where the rule has none).
    """
    return (
        why_not_in_force(policy, ended, company_id, registered, on)
        or why_not_counted(policy, people, divisor)
        or why_no_baseline(policy, baseline_divisor)
    )


def why_not_in_force(policy: Policy, ended: bool, company_id: str, registered: Company | None, on: Day) -> str | None:
    """Why the company is not to be looked at under the policy on this date; None when it is."""
    if ended:
        return ENDED
    if not is_within(policy.scope, company_id, registered):
        return OUT_OF_SCOPE
    if on < policy.effective_from:
        return BEFORE
    if policy.rule != "level" and (policy.baseline_on is None or on < policy.baseline_on):
        return BEFORE
    if policy.effective_until is not None and on > policy.effective_until:
        return AFTER
    return None


def why_not_counted(policy: Policy, people: int, divisor: int) -> str | None:
    """Why the figures of a company under a policy in force say nothing; None when they do."""
    if divisor <= 0:
        return NOBODY
    return TOO_FEW if people < policy.min_active else None


def why_no_baseline(policy: Policy, baseline_divisor: int) -> str | None:
    """Why such figures cannot be compared with the baseline; None when they can, or need not be."""
    return NO_BASELINE if policy.rule in RULES_MET_BY_EVERYBODY and baseline_divisor <= 0 else None
