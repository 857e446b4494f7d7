"""Why a company is not evaluable under a policy (SEMANTICS 6), in one word of a closed list."""

from typing import Final

from schemas.records import Company, Day, Policy
from schemas.scope import is_within
from streams.core.rules import RULES_MET_BY_EVERYBODY

ENDED: Final = "ended"
OUT_OF_SCOPE: Final = "out_of_scope"
BEFORE: Final = "before"
AFTER: Final = "after"
NOBODY: Final = "nobody"
TOO_FEW: Final = "too_few"
NO_BASELINE: Final = "no_baseline"

# In the order in which they are checked: the policy itself, its dates, then the company's figures.
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
    needs_baseline = policy.rule != "level"
    baseline_is_ahead = needs_baseline and (policy.baseline_on is None or on < policy.baseline_on)
    applies = {
        ENDED: ended,
        OUT_OF_SCOPE: not is_within(policy.scope, company_id, registered),
        BEFORE: on < policy.effective_from or baseline_is_ahead,
        AFTER: policy.effective_until is not None and on > policy.effective_until,
        NOBODY: divisor <= 0,
        TOO_FEW: people < policy.min_active,
        NO_BASELINE: policy.rule in RULES_MET_BY_EVERYBODY and baseline_divisor <= 0,
    }
    return next((reason for reason in REASONS_WHY if applies[reason]), None)
