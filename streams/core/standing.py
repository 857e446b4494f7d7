"""How one company stands under one policy: the state machine of SEMANTICS 7, as a pure decision with its reason."""

from typing import Final, NamedTuple

from schemas.records import Day, Policy
from streams.core.rules import RULES_MET_BY_EVERYBODY, Terms, is_met

NOT_EVALUABLE: Final = "not_evaluable"
MET: Final = "met"
PENDING: Final = "pending"
BREACHED: Final = "breached"

FIRING: Final = "firing"
RESOLVED: Final = "resolved"
CROSSED: Final = "crossed"  # out of met or pending
BECAME_EVALUABLE: Final = "became_evaluable"  # straight out of not_evaluable
RECOVERED: Final = "recovered"  # met, with hysteresis

SLEEPS: Final = 1 << 60  # postings: until something else than a posting wakes the policy


class Reading(NamedTuple):
    """What a policy sees of a company: its counts, and whether they say anything."""

    people: int  # active workers of all types
    active: int  # ... of the types that the policy counts
    covered: int
    divisor: int
    evaluable: bool


class Decision(NamedTuple):
    """The state that follows, and what to say about it: status and reason of an alert, or None."""

    state: str
    status: str | None = None
    reason: str | None = None


class Standing:
    """State of one company under one policy; outlives versions and the policy's end."""

    __slots__ = (
        "counted_at",
        "episode",
        "episode_start",
        "in_force",
        "policy",
        "since",
        "state",
        "terms",
        "wake_at",
    )

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.in_force = False  # on the company's date
        self.counted_at = 0  # the place of the policy's programmes and types in what the company counts
        self.state = NOT_EVALUABLE
        self.since: Day | None = None  # None: never evaluated
        self.episode = 0
        self.episode_start: Day = 0
        self.terms: Terms | None = None  # worked out when needed, forgotten when the baseline changes
        self.wake_at = 0  # count of the company's postings at which this policy has to be looked at again

    def forget_terms(self) -> None:
        self.terms = None
        self.wake_at = 0


def decide(standing: Standing, reading: Reading, terms: Terms | None, today: Day) -> Decision:
    """The table of SEMANTICS 7. `terms` are there when the policy is evaluable."""
    state = standing.state
    if not reading.evaluable or terms is None:
        return Decision(NOT_EVALUABLE, RESOLVED, NOT_EVALUABLE) if state == BREACHED else Decision(NOT_EVALUABLE)
    policy, covered, divisor = standing.policy, reading.covered, reading.divisor
    met = is_met(policy, terms.at_threshold, covered, divisor)
    if state == BREACHED:
        cleared = terms.above_hysteresis.margin(covered, divisor) >= 0 or (met and covered == divisor)
        return Decision(MET, RESOLVED, RECOVERED) if cleared else Decision(BREACHED)
    if met:
        return Decision(MET)
    if policy.hold_days == 0 or (state == PENDING and _held(standing, today)):
        return Decision(BREACHED, FIRING, BECAME_EVALUABLE if state == NOT_EVALUABLE else CROSSED)
    return Decision(PENDING)


def _held(standing: Standing, today: Day) -> bool:
    return standing.since is not None and today - standing.since >= standing.policy.hold_days


def sleep(state: str, policy: Policy, reading: Reading, terms: Terms | None) -> int:
    """How many postings can pass before the state can be another one: a lower bound, below 0 if it may be one now.

    A posting is one person's: it moves people, c, D and D - c by one at most. Dates, policy and registry entries and a
    changed baseline wake a policy by themselves.
    """
    people, _, covered, divisor, evaluable = reading
    spare = people - policy.min_active
    if not evaluable or terms is None:
        if state != NOT_EVALUABLE:
            return -1
        return -spare - 1 if spare < 0 else SLEEPS if divisor else 0
    spare = min(spare, divisor - 1)  # until it is not evaluable
    if state == MET:
        return min(spare, terms.at_threshold.distance(covered, divisor))
    if state == BREACHED:
        return min(spare, divisor - covered - 1, -1 - terms.above_hysteresis.distance(covered, divisor))
    if state == PENDING:
        to_cross = -1 - terms.at_threshold.distance(covered, divisor)
        by_everybody = divisor - covered - 1 if policy.rule in RULES_MET_BY_EVERYBODY else to_cross
        return min(spare, to_cross, by_everybody)
    return -1
