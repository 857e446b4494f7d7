"""Random records of every topic, as Hypothesis strategies: any value that its schema can carry."""

from typing import Final

from hypothesis import strategies as st

from schemas.ledger_lines import change
from schemas.records import (
    WINDOW_DAYS,
    Alert,
    Coordinates,
    DeadLetter,
    Fact,
    FactEntry,
    Figures,
    PolicyStatus,
    Snapshot,
    Window,
)
from schemas.vocabulary import (
    CLASSES,
    CORRECTION,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    HIRE,
    PROGRAMMES,
    RULES,
    STATES,
    TERMINATION_REASONS,
    WHY_NOT_EVALUABLE,
    WITHDRAWN,
)

texts: Final = st.text(max_size=70)  # without surrogates, as Hypothesis makes them by default
ints: Final = st.integers(-(1 << 31), (1 << 31) - 1)
longs: Final = st.integers(-(1 << 63), (1 << 63) - 1)
maybe_ints: Final = st.one_of(st.none(), ints)
days: Final = ints
instants: Final = longs
coordinates: Final = st.builds(Coordinates, texts, ints, longs)
lines: Final = st.builds(
    lambda on, before, after, sign: change(on, before, after) << 1 | sign,
    st.integers(-40_000, 90_000),
    st.integers(0, len(CLASSES) - 1),
    st.integers(0, len(CLASSES) - 1),
    st.integers(0, 1),
)


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    """A fact whose texts and numbers may be anything."""
    kind = draw(st.integers(0, 3))
    detail = 0
    if kind == HIRE:
        detail = draw(st.integers(0, len(EMPLOYMENT_TYPES) - 1))
    elif kind == ENROLLMENT:
        detail = draw(st.integers(1, 2 * WITHDRAWN - 1))
    elif kind != CORRECTION:
        detail = draw(st.integers(0, len(TERMINATION_REASONS) - 1))
    corrects = draw(texts) if kind == CORRECTION else ""
    return Fact(kind, detail, draw(texts), draw(texts), draw(texts), draw(days), draw(instants), draw(texts), corrects)


fact_entries: Final = st.builds(
    FactEntry, coordinates, instants, facts(), st.one_of(st.none(), st.binary(max_size=300))
)
dead_letters: Final = st.builds(
    DeadLetter,
    came_from=coordinates,
    recorded_at=instants,
    reason=texts,
    event_id=st.one_of(st.none(), texts),
    source=st.one_of(st.none(), texts),
    key=st.one_of(st.none(), st.binary(max_size=9)),
    value=st.one_of(st.none(), st.binary(max_size=99)),
    key_bytes=ints,
    value_bytes=ints,
    field=st.one_of(st.none(), texts),
    rule=st.one_of(st.none(), texts),
)
alerts: Final = st.builds(
    Alert,
    alert_id=texts,
    status=st.sampled_from(["firing", "resolved"]),
    reason=st.sampled_from(["crossed", "became_evaluable", "recovered", "not_evaluable"]),
    company_id=texts,
    policy_id=texts,
    policy_version=ints,
    rule=st.sampled_from(RULES),
    threshold_bp=ints,
    business_date=days,
    episode=ints,
    episode_start=days,
    previous_state=st.sampled_from(STATES),
    active=ints,
    covered=ints,
    divisor=ints,
    coverage_bp=maybe_ints,
    gap_people=maybe_ints,
    baseline_covered=maybe_ints,
    baseline_divisor=maybe_ints,
    uncovered=ints,
    joined_30=ints,
    left_30=ints,
    gained_cover_30=ints,
    lost_cover_30=ints,
    cause=st.sampled_from(["fact", "date", "policy", "company"]),
    event_id=st.one_of(st.none(), texts),
    journal_partition=ints,
    journal_offset=longs,
    recorded_at=instants,
)
windows: Final = st.builds(Window, ints, ints, ints, ints, maybe_ints, maybe_ints)
whys: Final = st.sampled_from((None, *WHY_NOT_EVALUABLE))
of_policy: Final = texts, ints, ints, st.sampled_from(STATES), maybe_ints, maybe_ints
statuses: Final = st.builds(PolicyStatus, *of_policy, maybe_ints, maybe_ints, whys)
figures: Final = st.builds(
    Figures,
    company_id=texts,
    as_of=days,
    active=ints,
    covered=ints,
    uncovered_new=ints,
    enrolled=st.tuples(*[ints] * len(PROGRAMMES)),
    by_employment_type=st.lists(st.tuples(st.integers(0, 4), ints, ints), max_size=3).map(tuple),
    coverage_bp=maybe_ints,
    coverage_due_bp=maybe_ints,
    windows=st.tuples(*[windows] * len(WINDOW_DAYS)),
    policies=st.lists(statuses, max_size=3).map(tuple),
)
snapshots: Final = st.builds(Snapshot, figures, ints, longs, instants)


def usual_fact() -> Fact:
    """A typical hire."""
    event_id = "0199d2a4-7e5c-7b1e-9c55-0d3c5b8a1f42"
    return Fact(HIRE, 1, event_id, "JT-0001-A", "w-96c3846f", 20_332, 1_756_692_000_000, "sap-hcm", "")
