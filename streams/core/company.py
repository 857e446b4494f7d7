"""One company's accounts: the figures of its workers, the postings of each date, and when to look at it again.

Double entry: OUTSIDE is an account like the others, so the balances of a company always add up to zero, and a posting
moves one person from one account to another.

A `CompanyBook` alone writes its fields, and those of its policy states. The book tells it what happened (`post`,
`register`, `put_under`, `open_next`) and asks it what to do (`next_on`, `is_due`); streams.core.watch asks which
policies are due and tells it what became of them (`enter`, `sleep`). Its clock has two hands. By date: on `next_on`
something changes by itself, a posting that was ahead or a date of a policy. By postings: after so many of them the
state of a policy can be another one, so that the policy is not evaluated before.
"""

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from schemas.ledger_lines import CLASS_BITS, CLASS_MASK, HOLDS, PAIR_BITS, PAIR_MASK, Line, Pair
from schemas.records import WINDOW_DAYS, Company, Day
from streams.core.evaluability import why_not_in_force
from streams.core.moves import Moves, moves
from streams.core.policies import Policies
from streams.core.policy_state import PENDING, SLEEPS, Decision, PolicyState
from streams.core.postings import DayRow
from streams.core.rules import Terms
from streams.core.timeline import LONG_AGO, NEVER

Balances = dict[int, int]  # class -> headcount
RowFields = tuple[object, ...]

LONGEST_WINDOW_DAYS: Final = max(WINDOW_DAYS)


class AtRest(NamedTuple):
    """What the rows of a company say."""

    has_facts: bool
    registered: Company | None
    days: dict[Day, DayRow]
    states: Sequence[PolicyState]


class CompanyBook:
    """The accounts of a company on its business date `today`, and its state under every policy of the book."""

    __slots__ = (
        "_changed_days",
        "_deltas",
        "_future",
        "_last_baseline_on",
        "_last_packed",
        "_policies",
        "_posted",
        "_wake_at",
        "_wake_on",
        "baselines",
        "company_id",
        "counted",
        "days",
        "has_facts",
        "moves_of_day",
        "next_on",
        "posted_on",
        "registered",
        "states",
        "today",
        "worker_key",
    )

    def __init__(self, company_id: str, today: Day, policies: Policies, at_rest: AtRest | None = None) -> None:
        """A company that is new on this date, or as its rows say."""
        self.company_id = company_id
        self.worker_key = worker_key_prefix(company_id)
        self.today = today
        self.has_facts, self.registered, self.days, states = at_rest or AtRest(False, None, {}, ())
        self.posted_on = sorted(self.days)  # the dates of `days` in order
        self.moves_of_day: dict[Day, Moves] = {}  # of days in the longest window that have not changed since
        self.baselines: dict[Day, Balances] = {}  # date of a baseline not after today -> balances at its end
        self.states = list(states)  # in order of policy_id
        self.next_on = NEVER  # the next date on which anything can change by itself
        self._policies = policies
        self._changed_days: dict[Day, DayRow] = {}
        self._future = [on for on in self.posted_on if on > today]  # heap of the dates after today with postings
        self._last_baseline_on = LONG_AGO
        self._posted = 0  # postings that moved the balances
        self._wake_at = 0  # count of postings at which some policy has to be looked at again
        self._wake_on = NEVER  # the next date on which some policy has to be looked at again
        self._last_packed = () if at_rest is None else self.row_fields()
        self._count_balances()
        for policy_id in sorted(policies.by_id):
            self._put_under(policy_id)
        self._plan()

    # ---- postings

    def post(self, lines: list[Line]) -> None:
        """Enter the lines of one fact."""
        changed, today, deltas = self._changed_days, self.today, self._deltas
        self.has_facts = True
        for line in lines:
            change, quantity = line >> 1, 1 if line & HOLDS else -1
            on, pair = change >> PAIR_BITS, change & PAIR_MASK
            row = changed.get(on)
            if row is None:
                row = self._begin_change(on)
            row[pair] = row.get(pair, 0) + quantity
            if on <= today:
                self.counted += deltas[pair] if quantity > 0 else -deltas[pair]
                self._posted += 1
                if on <= self._last_baseline_on:
                    self._post_to_baselines(on, pair, quantity)

    def _begin_change(self, on: Day) -> DayRow:
        """The first posting of a date since changes were last taken."""
        row = self.days.get(on)
        if row is None:
            row = self.days[on] = {}
            insort(self.posted_on, on)
            if on > self.today:
                heapq.heappush(self._future, on)
                self.next_on = min(self.next_on, on)
        self._changed_days[on] = row
        self.moves_of_day.pop(on, None)
        return row

    def _post_to_baselines(self, on: Day, pair: Pair, quantity: int) -> None:
        for baseline_on, balances in self.baselines.items():
            if on <= baseline_on:
                move(balances, pair, quantity)
                for state in self.states:
                    if state.policy.baseline_on == baseline_on:
                        state.terms = None
                        self._wake(state)

    def balances_at(self, on: Day) -> Balances:
        """The balances at the end of a date, from the postings."""
        moved: DayRow = {}
        for value_on, row in self.days.items():
            if value_on <= on:
                for pair, quantity in row.items():
                    moved[pair] = moved.get(pair, 0) + quantity
        balances: Balances = {}
        for pair, quantity in moved.items():
            move(balances, pair, quantity)
        return balances

    def _count_balances(self) -> None:
        """Count the balances anew, by the deltas that the policies ask for now."""
        deltas = self._deltas = self._policies.deltas
        past = [row for on, row in self.days.items() if on <= self.today]
        self.counted = sum(deltas[pair] * quantity for row in past for pair, quantity in row.items())

    # ---- registry and policies

    def register(self, company: Company) -> None:
        """The registry entry from now on: it can change which policies are in force, and their baselines."""
        self.registered = company
        for state in self.states:
            self._put_under(state.policy.policy_id)

    def put_under(self, policy_id: str) -> None:
        """Apply a policy of the book as it is now; the state under its earlier versions, and the episodes, go on."""
        self._put_under(policy_id)
        self._plan()

    def _put_under(self, policy_id: str) -> None:
        policy, ended = self._policies.by_id[policy_id]
        state = next((s for s in self.states if s.policy.policy_id == policy_id), None)
        if state is None:
            state = PolicyState(policy)
            self.states.append(state)
            self.states.sort(key=lambda s: s.policy.policy_id)
        if self._deltas is not self._policies.deltas:
            self._count_balances()
        state.policy, state.slot, state.terms = policy, self._policies.slot(policy), None
        self._check_in_force(state, ended)
        self._take_baseline(policy.baseline_on)

    def _check_in_force(self, state: PolicyState, ended: bool) -> None:
        """See whether the policy is in force on this date, and have it looked at."""
        state.not_in_force = why_not_in_force(state.policy, ended, self.company_id, self.registered, self.today)
        self._wake(state)

    def _take_baseline(self, on: Day | None) -> None:
        """Have the balances at the end of this date, once it is reached."""
        if on is not None and on <= self.today and on not in self.baselines:
            self.baselines[on] = self.balances_at(on)
            self._last_baseline_on = max(self._last_baseline_on, on)

    # ---- the clock

    def open_next(self, until: Day) -> bool:
        """Open the next date up to `until` on which anything can change by itself. False when there is none: then the
        business date is `until`."""
        on = self.next_on
        if on > until:
            self.today = until
            return False
        self.today = on
        while self._future and self._future[0] <= on:
            for pair, quantity in self.days[heapq.heappop(self._future)].items():
                self.counted += self._deltas[pair] * quantity
                self._posted += abs(quantity)
        if on >= self._wake_on:
            self._wake_by_date()
        self._plan()
        return True

    def _wake_by_date(self) -> None:
        """Wake the policies that start, end, reach their baseline or may complete their hold today."""
        bounded = self._policies.bounded_by(self.today)
        for state in self.states:
            policy, ended = self._policies.by_id[state.policy.policy_id]
            if state.state == PENDING or policy.policy_id in bounded:
                self._take_baseline(policy.baseline_on)
                self._check_in_force(state, ended)

    def _plan(self) -> None:
        """Find the next dates after today. A hold that is complete today is not ahead: its policy is due now."""
        self._wake_on = self._policies.next_bound(self.today)
        for state in self.states:
            if state.state == PENDING and self.today < state.held_on < self._wake_on:
                self._wake_on = state.held_on
        self.next_on = min(self._wake_on, self._future[0] if self._future else NEVER)

    def _wake(self, state: PolicyState) -> None:
        """Have the policy looked at again."""
        state.wake_at = self._wake_at = 0

    def is_due(self) -> bool:
        """Whether some policy has to be looked at."""
        return self._posted >= self._wake_at

    def due(self, only: str | None = None) -> list[PolicyState]:
        """The policies whose result can have changed, in order of policy_id; with `only`, that one if it can. None as
        long as the company has no facts."""
        if not self.has_facts:
            return []
        posted = self._posted
        return [s for s in self.states if s.wake_at <= posted and (only is None or s.policy.policy_id == only)]

    def enter(self, state: PolicyState, decision: Decision) -> None:
        """A policy was decided on, today."""
        state.enter(decision, self.today)
        if state.state == PENDING:
            self._wake_on = min(self._wake_on, state.held_on)
            self.next_on = min(self.next_on, self._wake_on)

    def sleep(self, looked_at: Iterable[tuple[PolicyState, Terms | None, int]]) -> None:
        """These policies were looked at, with these terms: each may sleep through so many postings."""
        for state, terms, postings in looked_at:
            state.terms = terms
            state.wake_at = self._posted + postings + 1
        wake_at = self._posted + SLEEPS
        for state in self.states:
            if state.wake_at < wake_at:
                wake_at = state.wake_at
        self._wake_at = wake_at

    # ---- changes and rest

    def take_changes(self) -> tuple[dict[Day, DayRow], RowFields | None]:
        """Since the last call: the postings of the dates that changed, and the fields of its row if they did.

        The moves of the longest window's days are worked out here, so that reading figures need not.
        """
        days, self._changed_days = self._changed_days, {}
        first = bisect_left(self.posted_on, self.today - LONGEST_WINDOW_DAYS + 1)
        in_window = self.posted_on[first : bisect_right(self.posted_on, self.today)]
        known = self.moves_of_day
        self.moves_of_day = {on: known.get(on) or moves(self.days[on]) for on in in_window}
        fields = self.row_fields()
        if fields == self._last_packed:
            return days, None
        self._last_packed = fields
        return days, fields

    def row_fields(self) -> RowFields:
        """What its row at rest says: date, whether it has facts, and the state under each policy."""
        states = [(s.policy.policy_id, s.state, s.since, s.episode, s.episode_start) for s in self.states]
        return self.today, self.has_facts, *states


def move(balances: Balances, pair: Pair, quantity: int) -> None:
    """A posting: so many people leave one account for another."""
    before, after = pair >> CLASS_BITS, pair & CLASS_MASK
    balances[before] = balances.get(before, 0) - quantity
    balances[after] = balances.get(after, 0) + quantity


def worker_key_prefix(company_id: str) -> bytes:
    """Before the worker_id in the key of a worker's row; neither id has white space."""
    return b"w" + company_id.encode() + b" "
