"""SEMANTICS 6 and the table of 7 implemented slowly: rules as fractions, gaps by trial, one state at a time."""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from schemas.records import Company, Day, Policy
from schemas.vocabulary import EMPLOYMENT_TYPES, PROGRAMMES
from tests.support.naive_timeline import EVERY_TYPE, Heads, Workforce


def required_of(mask: int) -> frozenset[str]:
    return frozenset(name for i, name in enumerate(PROGRAMMES) if mask & (1 << i))


def types_of(mask: int) -> frozenset[str]:
    return frozenset(name for i, name in enumerate(EMPLOYMENT_TYPES) if mask & (1 << i))


def divisor_of(policy: Policy, heads: Heads) -> int:
    return heads.active if policy.clock == "raw" else heads.active - heads.uncovered_new


def rule_met(rule: str, threshold: Fraction, now: tuple[int, int], base: tuple[int, int]) -> bool:
    """The table of section 6, as fractions; `now` and `base` are (covered, divisor)."""
    (c, d), (c0, d0) = now, base
    if rule == "level":
        return Fraction(c, d) >= threshold
    if rule == "increment_pp":
        return Fraction(c, d) - Fraction(c0, d0) >= threshold or c == d
    if rule == "net_new":
        return Fraction(c - c0, d0) >= threshold or c == d
    return c >= (1 + threshold) * c0 and c > 0


class Seen(NamedTuple):
    """What a policy sees of a company on a date."""

    heads: Heads
    divisor: int
    base: tuple[int, int] | None  # None: not evaluable

    @property
    def now(self) -> tuple[int, int]:
        return self.heads.covered, self.divisor


@dataclass
class State:
    """Of one company under one policy."""

    state: str = "not_evaluable"
    since: Day | None = None
    episode: int = 0
    episode_start: Day = 0


class NaiveCompany:
    """One company."""

    def __init__(self, company_id: str, today: Day, grace_days: int) -> None:
        self.company_id = company_id
        self.today = today
        self.workforce = Workforce(grace_days)
        self.registered = Company(company_id)
        self.states: dict[str, State] = {}

    def in_scope(self, policy: Policy) -> bool:
        scope, kbli = policy.scope, self.registered.kbli
        if scope.company_ids is not None and self.company_id not in scope.company_ids:
            return False
        if scope.regencies is not None and self.registered.regency not in scope.regencies:
            return False
        if scope.kbli_prefixes is None:
            return True
        return kbli is not None and any(kbli.startswith(prefix) for prefix in scope.kbli_prefixes)

    def heads(self, policy: Policy, on: Day) -> Heads:
        return self.workforce.heads(on, required_of(policy.required), types_of(policy.employment_types))

    def base(self, policy: Policy) -> tuple[int, int]:
        """(c0, D0): declared, or as known now."""
        assert policy.baseline_on is not None
        if types_of(policy.employment_types) == EVERY_TYPE:
            for declared in self.registered.baselines:
                if (declared.on, declared.required) == (policy.baseline_on, policy.required):
                    heads = Heads(declared.active, declared.covered, declared.uncovered_new)
                    return heads.covered, divisor_of(policy, heads)
        heads = self.heads(policy, policy.baseline_on)
        return heads.covered, divisor_of(policy, heads)

    def see(self, policy: Policy, ended: bool) -> Seen:
        on = self.today
        heads = self.heads(policy, on)
        divisor = divisor_of(policy, heads)
        active = self.workforce.heads(on).active
        needs_baseline = policy.rule != "level"
        silent = (
            ended
            or not self.in_scope(policy)
            or on < policy.effective_from
            or (policy.effective_until is not None and on > policy.effective_until)
            or (needs_baseline and policy.baseline_on is not None and on < policy.baseline_on)
            or divisor == 0
            or active < policy.min_active
        )
        if silent:
            return Seen(heads, divisor, None)
        base = self.base(policy) if needs_baseline else (0, 0)
        if policy.rule in ("increment_pp", "net_new") and base[1] == 0:
            return Seen(heads, divisor, None)
        return Seen(heads, divisor, base)

    def why(self, policy: Policy, ended: bool) -> str | None:
        """Why it is not evaluable: the first of section 14's words that is true; None when it is evaluable."""
        if self.see(policy, ended).base is not None:
            return None
        on, waits_for = self.today, [policy.effective_from]
        if policy.rule != "level" and policy.baseline_on is not None:
            waits_for.append(policy.baseline_on)
        if ended:
            return "ended"
        if not self.in_scope(policy):
            return "out_of_scope"
        if on < max(waits_for):
            return "before"
        if policy.effective_until is not None and on > policy.effective_until:
            return "after"
        if divisor_of(policy, self.heads(policy, on)) == 0:
            return "nobody"
        return "too_few" if self.workforce.heads(on).active < policy.min_active else "no_baseline"


def gap(policy: Policy, seen: Seen) -> int | None:
    """The smallest number of people, found by trial."""
    if seen.base is None:
        return None
    covered, divisor = seen.now
    for n in range(divisor - covered + 1):
        if rule_met(policy.rule, Fraction(policy.threshold_bp, 10_000), (covered + n, divisor), seen.base):
            return n
    return None


def step(policy: Policy, state: State, seen: Seen, today: Day) -> tuple[str, str | None, str | None]:
    """The table of section 7: the next state, and status and reason of the alert."""
    if seen.base is None:
        return (
            ("not_evaluable", "resolved", "not_evaluable")
            if state.state == "breached"
            else ("not_evaluable", None, None)
        )
    met = rule_met(policy.rule, Fraction(policy.threshold_bp, 10_000), seen.now, seen.base)
    with_h = Fraction(policy.threshold_bp + policy.hysteresis_bp, 10_000)
    if state.state in ("not_evaluable", "met"):
        if met:
            return "met", None, None
        if policy.hold_days > 0:
            return "pending", None, None
        return "breached", "firing", "became_evaluable" if state.state == "not_evaluable" else "crossed"
    if state.state == "pending":
        assert state.since is not None
        if met:
            return "met", None, None
        held = today - state.since >= policy.hold_days
        return ("breached", "firing", "crossed") if held else ("pending", None, None)
    covered, divisor = seen.now
    if rule_met(policy.rule, with_h, seen.now, seen.base) or (met and covered == divisor):
        return "met", "resolved", "recovered"
    return "breached", None, None
