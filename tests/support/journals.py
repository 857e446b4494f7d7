"""Random journals of one partition: few companies, workers and ids, so that repeats, conflicts and crossings happen."""

from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from schemas.dates import day, jakarta_midnight
from schemas.records import (
    Baseline,
    Company,
    CompanySet,
    Coordinates,
    Day,
    Entry,
    Fact,
    FactEntry,
    Instant,
    Policy,
    PolicyEnded,
    PolicySet,
    Scope,
)
from schemas.vocabulary import (
    ALL_EMPLOYMENT_TYPES,
    ALL_PROGRAMMES,
    CONTRACT_ENDED,
    CORRECTION,
    ENROLLMENT,
    HIRE,
    REQUIRED_DEFAULT,
    RULES,
    TERMINATION,
    WITHDRAWN,
    programme_set,
)
from tests.support.facts import tick

FIRST: Final[Day] = day("2024-02-20")  # a leap day lies ahead
SPAN_DAYS: Final = 60
DAY_MS: Final = 86_400_000
COMPANIES: Final = ("C1", "C2")
WORKERS: Final = ("w1", "w2", "w3", "w4", "w5")
POLICIES: Final = ("A", "B", "C")

# The same examples in every run, so that failures are reproducible.
deterministic: Final = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

dates: Final = st.integers(FIRST, FIRST + SPAN_DAYS)
moments: Final = st.sampled_from([0, 1, 2]).map(lambda n: jakarta_midnight(FIRST) + n * 1000)
some_programmes: Final = st.sampled_from(
    [
        REQUIRED_DEFAULT,
        REQUIRED_DEFAULT,
        *map(programme_set, (("JKK",), ("JMO",), ("JHT", "JP"), ("JKK", "JKM", "JMO"))),
    ]
)


def _detail(kind: int) -> SearchStrategy[int]:
    if kind == HIRE:
        return st.sampled_from([0, 3, 3, 3])
    if kind == TERMINATION:
        return st.one_of(st.just(CONTRACT_ENDED), st.integers(0, 6))
    if kind == ENROLLMENT:
        return st.one_of(some_programmes, some_programmes, some_programmes.map(lambda p: p | WITHDRAWN))
    return st.just(0)


@st.composite
def facts(draw: st.DrawFn, workers: tuple[str, ...] = WORKERS, companies: tuple[str, ...] = COMPANIES) -> Fact:
    """Any fact of a small world; ids repeat."""
    kind = draw(st.sampled_from([HIRE, HIRE, HIRE, ENROLLMENT, ENROLLMENT, ENROLLMENT, TERMINATION, CORRECTION]))
    worker = draw(st.sampled_from(workers))
    company = draw(st.sampled_from(companies))
    event_id = f"e{draw(st.integers(1, 60))}"
    # A correction of an id of one letter less is also part of another id: e1 in e12.
    corrects = f"e{draw(st.integers(1, 60))}" if kind == CORRECTION else ""
    source = draw(st.sampled_from(["hris", "hris", "hris", "e7"]))
    return Fact(kind, draw(_detail(kind)), event_id, company, worker, draw(dates), draw(moments), source, corrects)


scopes: Final = st.one_of(
    st.just(Scope()),
    st.just(Scope()),
    st.builds(
        Scope,
        company_ids=st.sampled_from([None, ("C1",), ("C2", "C9")]),
        regencies=st.sampled_from([None, ("Batam", "Bogor")]),
        kbli_prefixes=st.sampled_from([None, ("15",), ("1", "152")]),
    ),
)


@st.composite
def contracts(draw: st.DrawFn) -> list[Fact]:
    """The facts of one worker whose contracts begin and end on a few dates, in any order of entry and arrival."""
    borders = st.sampled_from([FIRST, FIRST + 10, FIRST + 11, FIRST + 30])
    kinds = st.sampled_from([HIRE, HIRE, TERMINATION, TERMINATION, ENROLLMENT, CORRECTION])
    sent = []
    for number in range(draw(st.integers(2, 12))):
        kind = draw(kinds)
        corrects = f"e{draw(st.integers(0, 11))}" if kind == CORRECTION else ""
        on, at = draw(borders), draw(moments)
        sent.append(Fact(kind, draw(_detail(kind)), f"e{number}", "C1", "w1", on, at, "hris", corrects))
    return sent


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    rule = draw(st.sampled_from(RULES))
    threshold = draw(st.sampled_from([0, 1, 2000, 3333, 3334, 5000, 6667, 9999, 10_000]))
    needs_baseline = rule != "level"
    begins = draw(st.sampled_from([FIRST - 400, FIRST + 5, FIRST + 20]))
    baseline_on = draw(dates) if needs_baseline or draw(st.booleans()) else None
    policy_id = draw(st.sampled_from(POLICIES))
    return Policy(
        policy_id,
        threshold,
        begins,
        version=draw(st.integers(1, 3)),
        title=policy_id,
        rule=rule,
        required=draw(st.sampled_from([REQUIRED_DEFAULT, REQUIRED_DEFAULT, programme_set(("JMO",))])),
        clock=draw(st.sampled_from(["raw", "due"])),
        employment_types=draw(st.sampled_from([ALL_EMPLOYMENT_TYPES, ALL_EMPLOYMENT_TYPES, 0b1000, 0b0001])),
        scope=draw(scopes),
        min_active=draw(st.integers(0, 3)),
        hysteresis_bp=draw(st.sampled_from([0, 200, 2000])),
        hold_days=draw(st.sampled_from([0, 0, 1, 3, 9])),
        effective_until=draw(st.one_of(st.none(), st.integers(begins, FIRST + SPAN_DAYS))),
        baseline_on=baseline_on,
    )


@st.composite
def baselines(draw: st.DrawFn) -> Baseline:
    active = draw(st.integers(0, 6))
    covered = draw(st.integers(0, active))
    required = draw(st.sampled_from([REQUIRED_DEFAULT, ALL_PROGRAMMES, programme_set(("JMO",))]))
    return Baseline(draw(dates), active, covered, draw(st.integers(0, active - covered)), required)


companies: Final = st.builds(
    Company,
    company_id=st.sampled_from(COMPANIES),
    name=st.none(),
    kbli=st.sampled_from([None, "15201", "14111"]),
    regency=st.sampled_from([None, "Batam", "Serang"]),
    baselines=st.lists(baselines(), max_size=3, unique_by=lambda b: (b.on, b.required)).map(tuple),
)


def _at(on: Day, millisecond: int) -> Instant:
    return jakarta_midnight(on) + millisecond


@st.composite
def entries(draw: st.DrawFn, max_size: int = 50) -> list[Entry]:
    """A journal: mostly facts, mostly in order of time, with policies, registry entries, Ticks and repeats among
    them."""
    now = FIRST
    journal: list[Entry] = []
    sent: list[Fact] = []
    offsets = {"facts": 0, "policies": 0, "companies": 0}

    def coordinates(topic: str) -> Coordinates:
        offsets[topic] += draw(st.sampled_from([1, 1, 1, 2, 0]))  # 0: recorded a second time, with any content
        return Coordinates(topic, 0, offsets[topic])

    for _ in range(draw(st.integers(1, max_size))):
        now += draw(st.sampled_from([0, 0, 0, 0, 1, 1, 2, 7, -2]))
        at = _at(now, draw(st.sampled_from([0, DAY_MS - 1])))
        what = draw(st.sampled_from(["fact"] * 12 + ["again", "policy", "policy", "ended", "company", "tick"]))
        if what == "fact" or (what == "again" and not sent):
            sent.append(draw(facts()))
            journal.append(FactEntry(coordinates("facts"), at, sent[-1]))
        elif what == "again":
            journal.append(FactEntry(coordinates("facts"), at, draw(st.sampled_from(sent))))
        elif what == "policy":
            journal.append(PolicySet(coordinates("policies"), at, draw(policies())))
        elif what == "ended":
            journal.append(PolicyEnded(coordinates("policies"), at, draw(st.sampled_from(POLICIES))))
        elif what == "company":
            journal.append(CompanySet(coordinates("companies"), at, draw(companies)))
        else:
            journal.append(tick(now))
    return journal
