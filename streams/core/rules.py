"""The rules of policies (SEMANTICS 6) in whole numbers: whether a policy is met, and how many people are missing.

Every rule is a half-plane, `c_weight x c + d_weight x D + constant >= 0`, with c_weight > 0 and d_weight <= 0;
`increment_pp` and `net_new` are also met when everybody is covered.
"""

from typing import Final, NamedTuple

from schemas.records import Policy

WHOLE_BP: Final = 10_000  # basis points in one
RULES_MET_BY_EVERYBODY: Final = frozenset(("increment_pp", "net_new"))


class HalfPlane(NamedTuple):
    """Where a rule is met."""

    c_weight: int
    d_weight: int
    constant: int

    def margin(self, covered: int, divisor: int) -> int:
        """At least 0 where the rule is met."""
        return self.c_weight * covered + self.d_weight * divisor + self.constant

    def distance(self, covered: int, divisor: int) -> int:
        """How many postings at least must come before a rule that is met is not met. Below 0 the rule is not met, and
        at least so many postings must come before it is.

        One posting changes the margin by at most the larger weight, because c and D change by at most one, and in the
        same direction.
        """
        c_weight, d_weight, constant = self
        margin = c_weight * covered + d_weight * divisor + constant
        return margin // (c_weight if c_weight > -d_weight else -d_weight)


class Terms(NamedTuple):
    """A policy with its baseline filled in."""

    at_threshold: HalfPlane
    above_hysteresis: HalfPlane  # T + h in place of T
    baseline_covered: int
    baseline_divisor: int


def half_plane(rule: str, threshold_bp: int, c0: int, d0: int) -> HalfPlane:
    """The rule with this threshold and baseline."""
    if rule == "level":
        return HalfPlane(WHOLE_BP, -threshold_bp, 0)
    if rule == "increment_pp":
        return HalfPlane(WHOLE_BP * d0, -(WHOLE_BP * c0 + threshold_bp * d0), 0)
    if rule == "net_new":
        return HalfPlane(WHOLE_BP, 0, -(WHOLE_BP * c0 + threshold_bp * d0))
    # growth; the 1 is "and c > 0"
    return HalfPlane(WHOLE_BP, 0, -max((WHOLE_BP + threshold_bp) * c0, 1))


def terms(policy: Policy, baseline_covered: int, baseline_divisor: int) -> Terms:
    """A policy and its baseline (0, 0 for `level`)."""
    return Terms(
        half_plane(policy.rule, policy.threshold_bp, baseline_covered, baseline_divisor),
        half_plane(policy.rule, policy.threshold_bp + policy.hysteresis_bp, baseline_covered, baseline_divisor),
        baseline_covered,
        baseline_divisor,
    )


def is_met(policy: Policy, at: HalfPlane, covered: int, divisor: int) -> bool:
    return at.margin(covered, divisor) >= 0 or (policy.rule in RULES_MET_BY_EVERYBODY and covered == divisor)


def gap_people(policy: Policy, at: HalfPlane, covered: int, divisor: int) -> int | None:
    """The smallest number of people who, once covered, meet the rule with the same divisor; None if covering everybody
    would not meet it."""
    missing = max(0, -(at.margin(covered, divisor) // at.c_weight))
    if missing <= divisor - covered:
        return missing
    return divisor - covered if policy.rule in RULES_MET_BY_EVERYBODY else None


def ratio_bp(part: int, whole: int) -> int | None:
    """Basis points, rounded down; None if the whole is 0."""
    return WHOLE_BP * part // whole if whole else None
