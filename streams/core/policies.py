"""The policies of a book: which ones there are, what they count, and on which dates they matter."""

from bisect import bisect_right

from schemas.records import Day, Policy
from streams.core.tally import Deltas, Tally
from streams.core.timeline import NEVER


class Policies:
    """Every policy that was ever set, by id, with whether it has ended. All companies of a book share it."""

    def __init__(self) -> None:
        self.by_id: dict[str, tuple[Policy, bool]] = {}
        self._tally = Tally()
        self._bounds: list[Day] = []  # dates on which some policy starts, ends or has its baseline

    def put(self, policy: Policy, ended: bool) -> None:
        """A policy, a new version of it, or its end."""
        self.by_id[policy.policy_id] = policy, ended
        self.slot(policy)
        self._bounds = sorted({bound for known, _ in self.by_id.values() for bound in _bounds_of(known)})

    @property
    def deltas(self) -> Deltas:
        """What a posting adds to a company's total. Another object when a policy counts what none did before."""
        return self._tally.deltas

    def slot(self, policy: Policy) -> int:
        """Where the policy's programmes and employment types are counted in a company's total."""
        return self._tally.slot(policy.required, policy.employment_types)

    def next_bound(self, after: Day) -> Day:
        """The next date on which some policy starts, reaches its baseline, or is over; NEVER when there is none."""
        at = bisect_right(self._bounds, after)
        return self._bounds[at] if at < len(self._bounds) else NEVER

    def bounded_by(self, on: Day) -> set[str]:
        """The ids of the policies that start, reach their baseline, or are over on this date."""
        return {policy_id for policy_id, (policy, _) in self.by_id.items() if on in _bounds_of(policy)}


def _bounds_of(policy: Policy) -> tuple[Day, ...]:
    over_on = None if policy.effective_until is None else policy.effective_until + 1
    return tuple(on for on in (policy.effective_from, policy.baseline_on, over_on) if on is not None)
