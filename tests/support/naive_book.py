"""SEMANTICS 2, 6 and 7 implemented slowly: every policy is evaluated on every date and after every entry, in fractions.

The book is compared with this reference, which has no balances and skips no evaluation.
"""

from schemas.records import (
    Alert,
    CompanySet,
    Day,
    Entry,
    Fact,
    FactEntry,
    Figures,
    Policy,
    PolicyEnded,
    PolicySet,
    PolicyStatus,
)
from tests.support.naive_policy import NaiveCompany, Seen, State, gap, step
from tests.support.naive_timeline import Facts, WorkerClass, postings

FACTS_MAX = 1000
DAY_MS, JAKARTA_MS = 86_400_000, 7 * 3_600_000
Line = tuple[Day, WorkerClass | None, WorkerClass | None, int]


def business_date(recorded_at: int) -> Day:
    return (recorded_at + JAKARTA_MS) // DAY_MS


class NaiveBook:
    """One partition of the journal."""

    def __init__(self, grace_days: int = 30, partition: int = 0) -> None:
        self.grace_days = grace_days
        self.partition = partition
        self.companies: dict[str, NaiveCompany] = {}
        self.policies: dict[str, tuple[Policy, bool]] = {}
        self.shared_date: Day = -(10**6)  # of the entries for every partition
        self.seen: dict[tuple[str, int], int] = {}
        self.alerts: list[Alert] = []

    def apply(self, entry: Entry, offset: int) -> tuple[str, list[Line]] | None:
        """(disposition, lines) of a fact; None for every other entry and for a repeat."""
        source = entry.came_from[:2]
        if entry.came_from.offset <= self.seen.get(source, -1):
            return None
        self.seen[source] = entry.came_from.offset
        on = business_date(entry.recorded_at)
        if isinstance(entry, FactEntry):
            company = self._own_entry(entry.fact.company_id, on, entry, offset)
            said = self._remember(company, entry.fact)
            self._evaluate(company, "fact", entry, offset)
            return said
        if isinstance(entry, CompanySet):
            company = self._own_entry(entry.company.company_id, on, entry, offset)
            company.registered = entry.company
            self._evaluate(company, "company", entry, offset)
            return None
        self._shared_entry(on, entry, offset)
        return None

    def _own_entry(self, company_id: str, on: Day, entry: Entry, offset: int) -> NaiveCompany:
        known = self.companies.get(company_id)
        if known is None:
            first_date = max(on, self.shared_date)
            known = self.companies[company_id] = NaiveCompany(company_id, first_date, self.grace_days)
            return known
        while known.today < on:
            known.today += 1
            self._evaluate(known, "date", entry, offset)
        return known

    def _shared_entry(self, on: Day, entry: Entry, offset: int) -> None:
        earliest = min((company.today for company in self.companies.values()), default=on)
        for date in range(earliest + 1, on + 1):
            for _, company in sorted(self.companies.items()):
                if company.today < date:
                    company.today = date
                    self._evaluate(company, "date", entry, offset)
        self.shared_date = max(self.shared_date, on)
        policy_id = None
        if isinstance(entry, PolicySet):
            policy_id = entry.policy.policy_id
            self.policies[policy_id] = entry.policy, False
        elif isinstance(entry, PolicyEnded) and entry.policy_id in self.policies:
            policy_id = entry.policy_id
            self.policies[policy_id] = self.policies[policy_id][0], True
        if policy_id is not None:
            for _, company in sorted(self.companies.items()):
                self._evaluate(company, "policy", entry, offset, only=policy_id)

    def _remember(self, company: NaiveCompany, fact: Fact) -> tuple[str, list[Line]]:
        known: Facts = company.workforce.facts.get(fact.worker_id, ())
        for other in known:
            if other.event_id == fact.event_id:
                return ("duplicate" if other == fact else "dead_letter:id_conflict"), []
        if len(known) >= FACTS_MAX:
            return "dead_letter:too_many_facts", []
        company.workforce.facts[fact.worker_id] = (*known, fact)
        lines = postings(known, (*known, fact), self.grace_days)
        return ("applied" if lines else "no_effect"), lines

    def _evaluate(self, company: NaiveCompany, cause: str, entry: Entry, offset: int, only: str | None = None) -> None:
        if not company.workforce.facts:
            return
        for policy_id, (policy, ended) in sorted(self.policies.items()):
            if only in (None, policy_id):
                state = company.states.setdefault(policy_id, State())
                seen = company.see(policy, ended)
                follows, status, reason = step(policy, state, seen, company.today)
                previous = state.state
                if status == "firing":
                    state.episode += 1
                    state.episode_start = company.today
                if follows != previous or state.since is None:
                    state.state, state.since = follows, company.today
                if status is not None and reason is not None:
                    event_id = entry.fact.event_id if isinstance(entry, FactEntry) and cause == "fact" else None
                    head = (status, reason, previous, cause, event_id)
                    self.alerts.append(self._alert(company, policy, seen, state, head, (offset, entry.recorded_at)))

    def _alert(
        self,
        company: NaiveCompany,
        policy: Policy,
        seen: Seen,
        state: State,
        head: tuple[str, str, str, str, str | None],
        at: tuple[int, int],
    ) -> Alert:
        status, reason, previous, cause, event_id = head
        whole = company.workforce.heads(company.today)
        moves = company.workforce.moves(company.today, 30)
        base = seen.base if policy.rule != "level" else None
        return Alert(
            alert_id=f"{company.company_id}/{policy.policy_id}/{state.episode}",
            status=status,
            reason=reason,
            company_id=company.company_id,
            policy_id=policy.policy_id,
            policy_version=policy.version,
            rule=policy.rule,
            threshold_bp=policy.threshold_bp,
            business_date=company.today,
            episode=state.episode,
            episode_start=state.episode_start,
            previous_state=previous,
            active=seen.heads.active,
            covered=seen.heads.covered,
            divisor=seen.divisor,
            coverage_bp=10_000 * seen.heads.covered // seen.divisor if seen.divisor else None,
            gap_people=gap(policy, seen),
            baseline_covered=base[0] if base else None,
            baseline_divisor=base[1] if base else None,
            uncovered=whole.active - whole.covered,
            joined_30=moves["joined"],
            left_30=moves["left"],
            gained_cover_30=moves["gained_cover"],
            lost_cover_30=moves["lost_cover"],
            cause=cause,
            event_id=event_id,
            journal_partition=self.partition,
            journal_offset=at[0],
            recorded_at=at[1],
        )

    def figures(self, company_id: str) -> Figures:
        company = self.companies[company_id]
        workforce, on = company.workforce, company.today
        heads = workforce.heads(on)
        due = heads.active - heads.uncovered_new
        return Figures(
            company_id=company_id,
            as_of=on,
            active=heads.active,
            covered=heads.covered,
            uncovered_new=heads.uncovered_new,
            enrolled=workforce.enrolled(on),
            by_employment_type=workforce.by_employment_type(on),
            coverage_bp=10_000 * heads.covered // heads.active if heads.active else None,
            coverage_due_bp=10_000 * heads.covered // due if due else None,
            windows=workforce.windows(on),
            policies=tuple(
                self._status(company, policy, ended) for _, (policy, ended) in sorted(self.policies.items())
            ),
        )

    def _status(self, company: NaiveCompany, policy: Policy, ended: bool) -> PolicyStatus:
        state = company.states.get(policy.policy_id, State())
        seen = company.see(policy, ended)
        base = seen.base if policy.rule != "level" else None
        return PolicyStatus(
            policy.policy_id,
            policy.version,
            policy.threshold_bp,
            state.state,
            state.since,
            gap(policy, seen),
            baseline_covered=base[0] if base else None,
            baseline_divisor=base[1] if base else None,
            why=company.why(policy, ended),
        )
