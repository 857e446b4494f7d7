"""The policies of a book, and on which dates they make a company worth looking at."""

from bisect import bisect_right

from schemas.records import Day, Policy
from streams.core.company import NEVER, CompanyBook
from streams.core.standing import PENDING, Standing
from streams.core.tally import Tally
from streams.core.watch import in_force


class Policies:
    """Every policy that was ever set, by id, with whether it has ended."""

    def __init__(self) -> None:
        self.by_id: dict[str, tuple[Policy, bool]] = {}
        self._tally = Tally()
        self._bounds: list[Day] = []  # dates on which some policy begins, ends or has its baseline

    def set(self, policy: Policy, ended: bool) -> None:
        self.by_id[policy.policy_id] = policy, ended
        self._tally.place(policy.required, policy.employment_types)
        self._bounds = sorted({bound for known, _ in self.by_id.values() for bound in _bounds_of(known)})

    def follow(self, company: CompanyBook) -> None:
        """Let a company that is new here stand under every policy."""
        company.count_by(self._tally.steps)
        for policy_id in sorted(self.by_id):
            self.put_under(company, policy_id)
        self.keep_baselines(company)
        self.set_wake(company)

    def put_under(self, company: CompanyBook, policy_id: str) -> None:
        """Let a company stand under the policy as it is now; its state and episodes stay."""
        policy, ended = self.by_id[policy_id]
        standing = next((s for s in company.standings if s.policy.policy_id == policy_id), None)
        if standing is None:
            standing = Standing(policy)
            company.standings.append(standing)
            company.standings.sort(key=lambda s: s.policy.policy_id)
        standing.policy = policy
        standing.counted_at = self._tally.place(policy.required, policy.employment_types)
        if company.steps is not self._tally.steps:
            company.count_by(self._tally.steps)
        standing.in_force = in_force(company, policy, ended)
        standing.forget_terms()
        company.wake_at = 0

    def keep_baselines(self, company: CompanyBook) -> None:
        """Have the balances at the end of every baseline date that the company has reached."""
        for policy, _ in self.by_id.values():
            on = policy.baseline_on
            if on is not None and on <= company.today and on not in company.baselines:
                company.keep_baseline(on)

    def wake(self, company: CompanyBook) -> None:
        """Have the policies looked at again that begin, end, have their baseline or may have held on the date."""
        for standing in company.standings:
            policy, ended = self.by_id[standing.policy.policy_id]
            if standing.state == PENDING or company.today in _bounds_of(policy):
                standing.in_force = in_force(company, policy, ended)
                standing.wake_at = company.wake_at = 0

    def set_wake(self, company: CompanyBook) -> None:
        """The next date on which a policy begins, ends or has held, and on which anything changes by itself."""
        after = bisect_right(self._bounds, company.today)
        company.wake_on = self._bounds[after] if after < len(self._bounds) else NEVER
        for standing in company.standings:
            if standing.state == PENDING and standing.since is not None:
                held_on = standing.since + standing.policy.hold_days
                company.wake_on = min(company.wake_on, max(held_on, company.today + 1))
        company.next_on = min(company.wake_on, company.future[0] if company.future else NEVER)


def _bounds_of(policy: Policy) -> tuple[Day, ...]:
    """The dates on which a policy begins, has its baseline or is over."""
    over_on = None if policy.effective_until is None else policy.effective_until + 1
    return tuple(on for on in (policy.effective_from, policy.baseline_on, over_on) if on is not None)
