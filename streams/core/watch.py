"""Evaluating a company under its policies: readings, decisions, and the alerts that follow (SEMANTICS 6 and 7)."""

from typing import Final, NamedTuple

from schemas.records import Alert, Company, Instant, Policy, new
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES
from streams.core.company import CompanyBook
from streams.core.counting import count, windows
from streams.core.rules import RULES_MET_BY_EVERYBODY, Terms, gap_people, ratio_bp, terms
from streams.core.standing import FIRING, PENDING, SLEEPS, Decision, Reading, Standing, decide, sleep
from streams.core.tally import WHOLE_COMPANY, Counts, active_at, counts_at

ALERT_WINDOW_DAYS: Final = 30


class Cause(NamedTuple):
    """Why an evaluation takes place, and the entry being processed."""

    kind: str  # fact, date, policy, company
    event_id: str | None
    partition: int
    offset: int
    recorded_at: Instant


def evaluate(company: CompanyBook, cause: Cause, only: str | None = None) -> list[Alert]:
    """Bring the company's standings up to its balances and date, in order of policy_id; the alerts on the way.

    Looks only at policies whose result can have changed; with `only`, at that policy alone. A company without a
    remembered fact is not evaluated.
    """
    if not company.has_facts:
        return []
    alerts: list[Alert] = []
    posted = company.posted
    wake_at = posted + SLEEPS
    for standing in company.standings:
        if standing.wake_at <= posted and (only is None or standing.policy.policy_id == only):
            reading = read(company, standing)
            asleep = sleep(standing.state, standing.policy, reading, standing.terms)
            if asleep < 0 or standing.state == PENDING or standing.since is None:
                alerts += _decide(company, standing, reading, cause)
                asleep = max(0, sleep(standing.state, standing.policy, reading, standing.terms))
            standing.wake_at = posted + asleep + 1
        if standing.wake_at < wake_at:
            wake_at = standing.wake_at
    company.wake_at = wake_at
    return alerts


def _decide(company: CompanyBook, standing: Standing, reading: Reading, cause: Cause) -> list[Alert]:
    """Enter what follows from a reading; the alert that it raises, if any."""
    decision = decide(standing, reading, standing.terms, company.today)
    alerts = [] if decision.status is None else [_alert(company, standing, reading, decision, cause)]
    _enter(company, standing, decision)
    return alerts


def read(company: CompanyBook, standing: Standing) -> Reading:
    """The company as the policy counts it."""
    policy, total = standing.policy, company.counted
    active, covered, uncovered_new = counts_at(total, standing.counted_at)
    divisor = active - uncovered_new if policy.clock == "due" else active
    people = active_at(total, WHOLE_COMPANY)
    evaluable = standing.in_force and people >= policy.min_active and divisor > 0
    if evaluable:
        if standing.terms is None:
            standing.terms = _terms(company, policy)
        evaluable = standing.terms.baseline_divisor > 0 or policy.rule not in RULES_MET_BY_EVERYBODY
    return new(Reading, (people, active, covered, divisor, evaluable))


def in_force(company: CompanyBook, policy: Policy, ended: bool) -> bool:
    """Whether the company is to be looked at under the policy, on its date."""
    today = company.today
    if ended or not in_scope(policy, company.company_id, company.registered) or today < policy.effective_from:
        return False
    if policy.effective_until is not None and today > policy.effective_until:
        return False
    return policy.rule == "level" or (policy.baseline_on is not None and today >= policy.baseline_on)


def _terms(company: CompanyBook, policy: Policy) -> Terms:
    """The policy with the company's baseline: declared, or as known now. Its date has been opened."""
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


def in_scope(policy: Policy, company_id: str, registered: Company | None) -> bool:
    """Whether the company matches each list of the policy's scope; what the registry does not say matches nothing."""
    scope = policy.scope
    regency = registered.regency if registered else None
    kbli = registered.kbli if registered else None
    return (
        (scope.company_ids is None or company_id in scope.company_ids)
        and (scope.regencies is None or regency in scope.regencies)
        and (scope.kbli_prefixes is None or (kbli is not None and kbli.startswith(scope.kbli_prefixes)))
    )


def _enter(company: CompanyBook, standing: Standing, decision: Decision) -> None:
    if decision.status == FIRING:
        standing.episode += 1
        standing.episode_start = company.today
    if decision.state != standing.state or standing.since is None:
        standing.state = decision.state
        standing.since = company.today
    if standing.state == PENDING and standing.since is not None:
        company.wake_on = min(company.wake_on, standing.since + standing.policy.hold_days)
        company.next_on = min(company.next_on, company.wake_on)


def _alert(company: CompanyBook, standing: Standing, reading: Reading, decision: Decision, cause: Cause) -> Alert:
    policy, terms_now = standing.policy, standing.terms
    firing = decision.status == FIRING
    episode = standing.episode + 1 if firing else standing.episode
    with_baseline = terms_now if reading.evaluable and policy.rule != "level" else None
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
        episode_start=company.today if firing else standing.episode_start,
        previous_state=standing.state,
        active=reading.active,
        covered=reading.covered,
        divisor=reading.divisor,
        coverage_bp=ratio_bp(reading.covered, reading.divisor),
        gap_people=gap(standing, reading),
        baseline_covered=with_baseline.baseline_covered if with_baseline else None,
        baseline_divisor=with_baseline.baseline_divisor if with_baseline else None,
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


def gap(standing: Standing, reading: Reading) -> int | None:
    """gap_people of SEMANTICS 6; None when not evaluable."""
    if not reading.evaluable or standing.terms is None:
        return None
    return gap_people(standing.policy, standing.terms.at_threshold, reading.covered, reading.divisor)
