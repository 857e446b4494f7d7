"""The state machine of SEMANTICS 7, row by row, and the number of postings for which a policy may sleep."""

from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import Policy
from schemas.vocabulary import RULES
from streams.core.evaluability import NOBODY
from streams.core.policy_state import SLEEPS, Decision, PolicyState, Reading, decide, sleep
from streams.core.rules import Terms, terms
from tests.support.journals import deterministic

# Threshold 5000, hysteresis 1000: 5 of 10 meet it, 6 of 10 clear it.
LEVEL = Policy("P", 5000, 0, min_active=1, hysteresis_bp=1000)
HOLD = Policy("P", 5000, 0, min_active=1, hysteresis_bp=1000, hold_days=3)
TODAY = 100


AT: Final = terms(LEVEL, 0, 0)


def reading(covered: int, divisor: int = 10, *, at: Terms | None = AT, people: int | None = None) -> Reading:
    """A reading; with `at` None it is not evaluable."""
    return Reading(divisor if people is None else people, divisor, covered, divisor, at, None if at else NOBODY)


SILENT = reading(0, at=None)
TABLE = [
    pytest.param(
        LEVEL,
        "not_evaluable",
        TODAY,
        reading(4),
        Decision("breached", "firing", "became_evaluable"),
        id="evaluable and not met",
    ),
    pytest.param(LEVEL, "met", TODAY, reading(4), Decision("breached", "firing", "crossed"), id="met, then not"),
    pytest.param(
        HOLD, "not_evaluable", TODAY, reading(4), Decision("pending"), id="evaluable and not met, with a hold"
    ),
    pytest.param(HOLD, "met", TODAY - 9, reading(4), Decision("pending"), id="met, then not, with a hold"),
    pytest.param(LEVEL, "not_evaluable", TODAY, reading(5), Decision("met"), id="evaluable and met"),
    pytest.param(LEVEL, "met", TODAY, reading(5), Decision("met"), id="still met, at the threshold"),
    pytest.param(HOLD, "pending", TODAY - 9, reading(5), Decision("met"), id="pending, then met"),
    pytest.param(HOLD, "pending", TODAY - 2, reading(4), Decision("pending"), id="pending, a day before it has held"),
    pytest.param(HOLD, "pending", TODAY - 3, reading(4), Decision("breached", "firing", "crossed"), id="held"),
    pytest.param(
        LEVEL,
        "pending",
        TODAY,
        reading(4),
        Decision("breached", "firing", "crossed"),
        id="a new version without a hold",
    ),
    pytest.param(HOLD, "pending", TODAY - 9, SILENT, Decision("not_evaluable"), id="pending, then not evaluable"),
    pytest.param(LEVEL, "breached", TODAY, reading(5), Decision("breached"), id="breached, met but for the hysteresis"),
    pytest.param(
        LEVEL, "breached", TODAY, reading(6), Decision("met", "resolved", "recovered"), id="met with hysteresis"
    ),
    pytest.param(HOLD, "breached", TODAY - 9, reading(4), Decision("breached"), id="still breached: no second firing"),
    pytest.param(
        LEVEL,
        "breached",
        TODAY,
        SILENT,
        Decision("not_evaluable", "resolved", "not_evaluable"),
        id="breached, then not evaluable",
    ),
    pytest.param(LEVEL, "met", TODAY, SILENT, Decision("not_evaluable"), id="met, then not evaluable"),
    pytest.param(LEVEL, "not_evaluable", TODAY, SILENT, Decision("not_evaluable"), id="not evaluable, still"),
]


@pytest.mark.parametrize(("policy", "state", "since", "seen", "decision"), TABLE)
def test_the_table_of_section_7(policy: Policy, state: str, since: int, seen: Reading, decision: Decision) -> None:
    assert decide(PolicyState(policy, state, since), seen, TODAY) == decision


def test_everybody_covered_resolves_where_the_hysteresis_lies_above_everybody() -> None:
    policy = Policy("P", 9500, 0, hysteresis_bp=1000)
    known = PolicyState(policy, "breached", TODAY)
    assert decide(known, reading(10, at=terms(policy, 0, 0)), TODAY) == Decision("met", "resolved", "recovered")
    growth = Policy("P", 10_000, 0, rule="growth", hysteresis_bp=1000, baseline_on=0)
    known = PolicyState(growth, "breached", TODAY)
    assert (
        decide(known, reading(10, at=terms(growth, 10, 10)), TODAY).state == "breached"
    )  # although c = D, the rule is not met


class Worker:
    """One person: inside or outside, counted by the policy or not, covered or not, new or not."""

    def __init__(self) -> None:
        self.inside = self.counted = self.covered = self.new = False


def look(workers: list[Worker], policy: Policy, at: Terms) -> Reading:
    counted = [w for w in workers if w.inside and w.counted]
    covered = sum(w.covered for w in counted)
    divisor = len(counted) - (sum(w.new and not w.covered for w in counted) if policy.clock == "due" else 0)
    people = sum(w.inside for w in workers)
    evaluable = people >= policy.min_active and divisor > 0
    if policy.rule in ("increment_pp", "net_new"):
        evaluable = evaluable and at.baseline_divisor > 0
    return Reading(people, len(counted), covered, divisor, at if evaluable else None, None if evaluable else NOBODY)


def change_somebody(workers: list[Worker], random: Random, drift: float) -> None:
    """One posting changes one person's class. `drift` is the probability that the person gets cover."""
    worker = random.choice(workers)
    worker.inside = random.random() < 0.8
    worker.counted = random.random() < 0.8
    worker.covered = random.random() < drift
    worker.new = random.random() < 0.4


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    return Policy(
        "P",
        draw(st.sampled_from([0, 1000, 2500, 3333, 5000, 8000, 10_000])),
        0,
        rule=draw(st.sampled_from(RULES)),
        clock=draw(st.sampled_from(["raw", "due"])),
        min_active=draw(st.integers(0, 8)),
        hysteresis_bp=draw(st.sampled_from([0, 200, 3000])),
        hold_days=draw(st.sampled_from([0, 5])),
        baseline_on=0,
    )


@settings(deterministic, max_examples=600)
@given(policies(), st.integers(0, 12), st.integers(0, 12), st.integers(0, 1 << 32))
def test_a_policy_that_sleeps_misses_nothing(policy: Policy, c0: int, more: int, seed: int) -> None:
    random = Random(seed)
    workers = [Worker() for _ in range(random.choice([3, 12, 40]))]
    bounds = (c0, c0 + more) if policy.rule != "level" else (0, 0)
    known, at = PolicyState(policy, since=TODAY), terms(policy, *bounds)
    slept = 0
    for n in range(150):
        # Many people get cover, then many lose it, so the margin is crossed in both directions.
        change_somebody(workers, random, 0.95 if n // 40 % 2 else 0.05)
        seen = look(workers, policy, at)
        decision = decide(known, seen, TODAY)
        if sleep(known.state, policy, seen) >= 0:
            assert decision == Decision(known.state), "another state, and sleep did not say so"
        if slept > 0:
            slept -= 1
            assert decision == Decision(known.state), "something changed while the policy slept"
            continue
        known.enter(decision, TODAY)
        slept = sleep(known.state, policy, seen)


def test_what_only_a_date_or_an_entry_can_change_sleeps_until_then() -> None:
    assert sleep("not_evaluable", LEVEL, SILENT) == SLEEPS


def test_what_may_be_another_state_now_does_not_sleep() -> None:
    assert sleep("met", LEVEL, reading(4)) < 0
    assert sleep("breached", LEVEL, reading(6)) < 0
    assert sleep("met", LEVEL, SILENT) < 0
    assert sleep("not_evaluable", LEVEL, reading(4)) < 0


def test_a_company_far_from_its_threshold_is_left_alone_for_long() -> None:
    far = reading(900, 1000)
    assert sleep("met", LEVEL, far) == 400
