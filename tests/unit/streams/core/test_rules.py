"""The rules of policies (SEMANTICS 6), checked with fractions, and the gap, checked by trying every number."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import Policy
from schemas.vocabulary import RULES
from streams.core.rules import gap_people, is_met, ratio_bp, terms
from tests.support.journals import deterministic
from tests.support.naive_policy import Seen, gap, rule_met
from tests.support.naive_timeline import Heads


@st.composite
def cases(draw: st.DrawFn) -> tuple[Policy, tuple[int, int], tuple[int, int]]:
    """(policy, (c, D), (c0, D0)), close to the threshold more often than uniformly random values."""
    divisor, base_divisor = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    now = draw(st.integers(0, divisor)), divisor
    base = draw(st.integers(0, base_divisor)), base_divisor
    exact = 10_000 * now[0] // divisor
    threshold = draw(
        st.one_of(st.integers(0, 10_000), st.sampled_from([exact, max(0, exact - 1), min(10_000, exact + 1)]))
    )
    return Policy("P", threshold, 0, rule=draw(st.sampled_from(RULES)), baseline_on=0), now, base


@settings(deterministic, max_examples=1500)
@given(cases())
def test_a_rule_is_met_where_its_fractions_say_so(case: tuple[Policy, tuple[int, int], tuple[int, int]]) -> None:
    policy, now, base = case
    at = terms(policy, *(base if policy.rule != "level" else (0, 0))).at_threshold
    assert is_met(policy, at, *now) == rule_met(policy.rule, Fraction(policy.threshold_bp, 10_000), now, base)


@settings(deterministic, max_examples=1500)
@given(cases())
def test_the_gap_is_the_least_number_that_meets_the_rule(case: tuple[Policy, tuple[int, int], tuple[int, int]]) -> None:
    policy, now, base = case
    at = terms(policy, *(base if policy.rule != "level" else (0, 0))).at_threshold
    assert gap_people(policy, at, *now) == gap(policy, Seen(Heads(now[1], now[0], 0), now[1], base))


@pytest.mark.parametrize(
    ("rule", "threshold_bp", "now", "base", "met", "missing"),
    [
        pytest.param("level", 2000, (1, 5), (0, 0), True, 0, id="exactly the level"),
        pytest.param("level", 2001, (1, 5), (0, 0), False, 1, id="a basis point short"),
        pytest.param("level", 0, (0, 5), (0, 0), True, 0, id="nobody is enough for zero"),
        pytest.param("level", 3334, (1, 3), (0, 0), False, 1, id="a third is less than 3334"),
        pytest.param("level", 3333, (1, 3), (0, 0), True, 0, id="a third is more than 3333"),
        pytest.param("increment_pp", 2000, (3, 10), (1, 10), True, 0, id="exactly twenty points more"),
        pytest.param("increment_pp", 2000, (10, 10), (9, 10), True, 0, id="everybody is enough"),
        pytest.param("increment_pp", 9000, (8, 10), (8, 10), False, 2, id="only everybody would do"),
        pytest.param("net_new", 2000, (4, 50), (2, 10), True, 0, id="a fifth of the baseline's divisor more"),
        pytest.param("net_new", 10_000, (1, 5), (0, 10), False, 4, id="more than there are: everybody"),
        pytest.param("growth", 2000, (6, 10), (5, 10), True, 0, id="a fifth more covered"),
        pytest.param("growth", 2000, (0, 10), (0, 10), False, 1, id="growth from nobody needs somebody"),
        pytest.param("growth", 10_000, (5, 9), (5, 10), False, None, id="twice as many are more than there are"),
        pytest.param("growth", 1_000_000, (1, 200), (1, 10), False, 100, id="a hundredfold more"),
    ],
)
def test_rules_by_hand(
    rule: str, threshold_bp: int, now: tuple[int, int], base: tuple[int, int], met: bool, missing: int | None
) -> None:
    policy = Policy("P", threshold_bp, 0, rule=rule, baseline_on=0)
    at = terms(policy, *base).at_threshold
    assert (is_met(policy, at, *now), gap_people(policy, at, *now)) == (met, missing)


@settings(deterministic, max_examples=300)
@given(st.integers(0, 10_000), st.integers(0, 5_000), st.sampled_from(RULES))
def test_hysteresis_only_ever_asks_for_more(threshold_bp: int, hysteresis_bp: int, rule: str) -> None:
    policy = Policy("P", threshold_bp, 0, rule=rule, hysteresis_bp=hysteresis_bp, baseline_on=0)
    both = terms(policy, 3, 10)
    for covered in range(11):
        assert both.above_hysteresis.margin(covered, 10) <= both.at_threshold.margin(covered, 10)


@pytest.mark.parametrize(("part", "whole", "bp"), [(0, 0, None), (0, 3, 0), (1, 3, 3333), (2, 3, 6666), (3, 3, 10_000)])
def test_basis_points_are_cut(part: int, whole: int, bp: int | None) -> None:
    assert ratio_bp(part, whole) == bp
