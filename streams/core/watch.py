"""Evaluating a company under its policies: readings, decisions, and the alerts that follow (SEMANTICS 6 and 7)."""

from typing import Final, NamedTuple

from schemas.records import Alert, Company, Instant, Policy, PolicyStatus, from_fields
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES
from streams.core.company import CompanyBook
from streams.core.counting import count, windows
from streams.core.evaluability import why_no_baseline, why_not_counted
from streams.core.policy_state import FIRING, PENDING, Decision, PolicyState, Reading, decide, sleep
from streams.core.rules import Terms, gap_people, ratio_bp, terms
from streams.core.tally import WHOLE_COMPANY, Counts, active_at, counts_at

ALERT_WINDOW_DAYS: Final = 30


class Cause(NamedTuple):
    """Why an evaluation takes place, and the journal entry that is being applied."""

    kind: str  # fact, date, policy, company
    event_id: str | None
    partition: int
    offset: int
    recorded_at: Instant


def evaluate(company: CompanyBook, cause: Cause, only: str | None = None) -> list[Alert]:
    """Evaluate the policies that are due, in order of policy_id; the alerts on the way. With `only`, that policy alone.

    A company without a remembered fact is not evaluated.
    """
    alerts: list[Alert] = []
    looked_at = []
    people = active_at(company.counted, WHOLE_COMPANY)
    for known in company.due(only):
        reading = read(company, known, people)
        postings = sleep(known.state, known.policy, reading)
        if postings < 0 or known.state == PENDING or known.since is None:
            alerts += _decide(company, known, reading, cause)
            postings = max(0, sleep(known.state, known.policy, reading))
        looked_at.append((known, reading.terms, postings))
    company.sleep(looked_at)
    return alerts


def _decide(company: CompanyBook, known: PolicyState, reading: Reading, cause: Cause) -> list[Alert]:
    """Decide on a reading and enter the state that follows; the alert, if there is one."""
    decision = decide(known, reading, company.today)
    alerts = [] if decision.status is None else [_alert(company, known, reading, decision, cause)]
    company.enter(known, decision)
    return alerts


def read(company: CompanyBook, known: PolicyState, people: int) -> Reading:
    """The company as the policy counts it; `people` are its active workers of all types. Changes nothing."""
    policy = known.policy
    active, covered, uncovered_new = counts_at(company.counted, known.slot)
    divisor = active - uncovered_new if policy.clock == "due" else active
    at, why = None, known.not_in_force or why_not_counted(policy, people, divisor)
    if why is None:
        at = known.terms or _terms(company, policy)
        why = why_no_baseline(policy, at.baseline_divisor)
        if why is not None:
            at = None
    return from_fields(Reading, (people, active, covered, divisor, at, why))


def statuses(company: CompanyBook) -> tuple[PolicyStatus, ...]:
    """The state under each policy, with the people who are missing now, the baseline, and why it is not evaluable."""
    people = active_at(company.counted, WHOLE_COMPANY)
    found = []
    for known in company.states:
        policy, reading = known.policy, read(company, known, people)
        status = policy.policy_id, policy.version, policy.threshold_bp, known.state, known.since, _gap(policy, reading)
        found.append(from_fields(PolicyStatus, (*status, *_baseline(policy, reading), reading.why)))
    return tuple(found)


def _baseline(policy: Policy, reading: Reading) -> tuple[int, int] | tuple[None, None]:
    """Covered and divisor at the baseline; None for `level` and when not evaluable."""
    if reading.terms is None or policy.rule == "level":
        return None, None
    return reading.terms.baseline_covered, reading.terms.baseline_divisor


def _terms(company: CompanyBook, policy: Policy) -> Terms:
    """The policy with the company's baseline, declared or counted. The baseline date has been opened."""
    if policy.rule == "level" or policy.baseline_on is None:
        return terms(policy, 0, 0)
    counts = declared(policy, company.registered)
    if counts is None:
        counts = count(company.baselines[policy.baseline_on], policy.required, policy.employment_types)
    return terms(policy, counts.covered, counts.divisor(policy.clock))


def declared(policy: Policy, registered: Company | None) -> Counts | None:
    """The baseline that the registry declares for the policy, if it does and the policy may use it."""
    if registered is None or policy.employment_types != ALL_EMPLOYMENT_TYPES:
        return None
    for baseline in registered.baselines:
        if baseline.on == policy.baseline_on and baseline.required == policy.required:
            return Counts(baseline.active, baseline.covered, baseline.uncovered_new)
    return None


def _alert(company: CompanyBook, known: PolicyState, reading: Reading, decision: Decision, cause: Cause) -> Alert:
    policy = known.policy
    firing = decision.status == FIRING
    episode = known.episode + 1 if firing else known.episode
    baseline_covered, baseline_divisor = _baseline(policy, reading)
    whole = counts_at(company.counted, WHOLE_COMPANY)
    (moved,) = windows(company, whole, (ALERT_WINDOW_DAYS,))
    assert decision.status is not None and decision.reason is not None
    return Alert(
        alert_id=f"{company.company_id}/{policy.policy_id}/{episode}",
        status=decision.status,
        reason=decision.reason,
        company_id=company.company_id,
        policy_id=policy.policy_id,
        policy_version=policy.version,
        rule=policy.rule,
        threshold_bp=policy.threshold_bp,
        business_date=company.today,
        episode=episode,
        episode_start=company.today if firing else known.episode_start,
        previous_state=known.state,
        active=reading.active,
        covered=reading.covered,
        divisor=reading.divisor,
        coverage_bp=ratio_bp(reading.covered, reading.divisor),
        gap_people=_gap(policy, reading),
        baseline_covered=baseline_covered,
        baseline_divisor=baseline_divisor,
        uncovered=whole.active - whole.covered,
        joined_30=moved.joined,
        left_30=moved.left,
        gained_cover_30=moved.gained_cover,
        lost_cover_30=moved.lost_cover,
        cause=cause.kind,
        event_id=cause.event_id,
        journal_partition=cause.partition,
        journal_offset=cause.offset,
        recorded_at=cause.recorded_at,
    )


def _gap(policy: Policy, reading: Reading) -> int | None:
    """gap_people of SEMANTICS 6; None when not evaluable."""
    if reading.terms is None:
        return None
    return gap_people(policy, reading.terms.at_threshold, reading.covered, reading.divisor)
