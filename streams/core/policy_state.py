"""The state of one company under one policy: the state machine of SEMANTICS 7, as a pure decision with its reason."""

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
    """A company as a policy counts it, and whether these counts say anything."""

    people: int  # active workers of all types
    active: int  # ... of the types that the policy counts
    covered: int
    divisor: int
    terms: Terms | None  # None: not evaluable
    why: str | None  # it is not evaluable; None exactly when there are terms


class Decision(NamedTuple):
    """The state that follows, and what to say about it: status and reason of an alert, or None."""

    state: str
    status: str | None = None
    reason: str | None = None


class PolicyState:
    """State of one company under one policy; it outlives versions and the policy's end.

    Its company alone changes it (streams.core.company).
    """

    __slots__ = (
        "episode",
        "episode_start",
        "not_in_force",
        "policy",
        "since",
        "slot",
        "state",
        "terms",
        "wake_at",
    )

    def __init__(
        self,
        policy: Policy,
        state: str = NOT_EVALUABLE,
        since: Day | None = None,
        episode: int = 0,
        episode_start: Day = 0,
    ) -> None:
        self.policy = policy
        self.not_in_force: str | None = None  # why not, on the company's date; None: it is in force
        self.slot = 0  # of the policy's programmes and types in the company's total
        self.state = state
        self.since = since  # None: never evaluated
        self.episode = episode
        self.episode_start = episode_start
        self.terms: Terms | None = None  # those of the last evaluation, until the policy or the baseline changes
        self.wake_at = 0  # count of the company's postings at which this policy has to be looked at again

    @property
    def held_on(self) -> Day:
        """The date on which the hold of a pending state is complete."""
        assert self.since is not None
        return self.since + self.policy.hold_days

    def enter(self, decision: Decision, on: Day) -> None:
        """Take the state that was decided on this date; firing begins an episode."""
        if decision.status == FIRING:
            self.episode += 1
            self.episode_start = on
        if decision.state != self.state or self.since is None:
            self.state = decision.state
            self.since = on


def decide(known: PolicyState, reading: Reading, today: Day) -> Decision:
    """The table of SEMANTICS 7."""
    state, terms = known.state, reading.terms
    if terms is None:
        return Decision(NOT_EVALUABLE, RESOLVED, NOT_EVALUABLE) if state == BREACHED else Decision(NOT_EVALUABLE)
    policy, covered, divisor = known.policy, reading.covered, reading.divisor
    met = is_met(policy, terms.at_threshold, covered, divisor)
    if state == BREACHED:
        cleared = terms.above_hysteresis.margin(covered, divisor) >= 0 or (met and covered == divisor)
        return Decision(MET, RESOLVED, RECOVERED) if cleared else Decision(BREACHED)
    if met:
        return Decision(MET)
    if policy.hold_days == 0 or (state == PENDING and today >= known.held_on):
        return Decision(BREACHED, FIRING, BECAME_EVALUABLE if state == NOT_EVALUABLE else CROSSED)
    return Decision(PENDING)


def sleep(state: str, policy: Policy, reading: Reading) -> int:
    """How many postings can pass before the state can change: a lower bound, below 0 if it may be another one now.

    A posting moves one person: people, c, D and D - c change by one at most. Dates, policies, registry entries and a
    changed baseline wake a policy by themselves.
    """
    people, _, covered, divisor, terms, _ = reading
    spare = people - policy.min_active
    if terms is None:
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
