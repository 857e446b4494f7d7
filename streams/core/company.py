"""One company's accounts: what its workers count, the postings of each date, and what is still to come.

Double entry: OUTSIDE is an account like the others, so the balances of a company always add up to zero, and a posting
moves one person from one account to another.
"""

import heapq
from bisect import insort
from typing import Final

from schemas.records import Company, Day
from streams.core.postings import CLASS_BITS, CLASS_MASK, PAIR_MASK
from streams.core.standing import Standing
from streams.core.tally import HEADS_ONLY, Steps

NEVER: Final[Day] = 1 << 40  # a date that does not come
NO_DATE_YET: Final[Day] = -NEVER

Balances = dict[int, int]  # class -> headcount
DayRow = dict[int, int]  # pair of classes -> sum of quantities
Moves = tuple[int, int]  # what moved on a day, and the change of the people (streams.core.counting)


class CompanyBook:
    """The accounts of a company on its business date `today`, and its standing under every policy.

    The rest is there to do little: `counted` is what the balances weigh (streams.core.tally) by these `steps`, kept up
    instead of them; `next_on` is the next date on which anything can change by itself, `posted` counts the postings
    that moved the balances, and at `wake_at` of them some policy has to be looked at again.
    """

    __slots__ = (
        "baselines",
        "changed_at",
        "changed_days",
        "company_id",
        "counted",
        "days",
        "future",
        "has_facts",
        "kept",
        "last_baseline_on",
        "moves_of_day",
        "next_on",
        "posted",
        "posted_on",
        "registered",
        "standings",
        "steps",
        "today",
        "wake_at",
        "wake_on",
        "worker_key",
    )

    def __init__(self, company_id: str, today: Day) -> None:
        self.company_id = company_id
        self.today = today
        self.has_facts = False
        self.registered: Company | None = None
        self.days: dict[Day, DayRow] = {}
        self.moves_of_day: dict[Day, Moves] = {}  # of days that were asked for and have not changed since
        self.posted_on: list[Day] = []  # the dates of `days` in order
        self.future: list[Day] = []  # heap of the dates after today that have postings
        self.steps: Steps = HEADS_ONLY
        self.counted = 0
        self.baselines: dict[Day, Balances] = {}  # date of a baseline not after today -> balances at its end
        self.last_baseline_on = NO_DATE_YET
        self.standings: list[Standing] = []  # in order of policy_id
        self.posted = 0
        self.wake_at = 0
        self.wake_on = NEVER
        self.next_on = NEVER
        self.changed_days: dict[Day, DayRow] = {}
        self.changed_at: tuple[int, int] | None = None  # offset and recorded_at of the last entry that changed it
        self.kept: tuple[object, ...] = ()  # what its row at rest says
        self.worker_key = worker_key_prefix(company_id)

    def post(self, lines: list[int]) -> None:
        """Enter the lines of one entry."""
        changed, today, steps = self.changed_days, self.today, self.steps
        for line in lines:
            on, pair = line >> 21, line >> 1 & PAIR_MASK
            quantity = 1 if line & 1 else -1
            row = changed.get(on)
            if row is None:
                row = self._begin_change(on)
            row[pair] = row.get(pair, 0) + quantity
            if on <= today:
                self.counted += steps[pair] if quantity > 0 else -steps[pair]
                self.posted += 1
                if on <= self.last_baseline_on:
                    self._post_to_baselines(on, pair, quantity)

    def _begin_change(self, on: Day) -> DayRow:
        """The first posting of a date since its row was last written."""
        row = self.days.get(on)
        if row is None:
            row = self.days[on] = {}
            insort(self.posted_on, on)
            if on > self.today:
                heapq.heappush(self.future, on)
                self.next_on = min(self.next_on, on)
        self.changed_days[on] = row
        self.moves_of_day.pop(on, None)
        return row

    def _post_to_baselines(self, on: Day, pair: int, quantity: int) -> None:
        for baseline_on, balances in self.baselines.items():
            if on <= baseline_on:
                move(balances, pair, quantity)
                self._wake_those_with_baseline(baseline_on)

    def mature(self, on: Day) -> None:
        """The date `on` begins: postings that were ahead now count."""
        self.today = on
        while self.future and self.future[0] <= on:
            for pair, quantity in self.days.get(heapq.heappop(self.future), {}).items():
                self.counted += self.steps[pair] * quantity
                self.posted += abs(quantity)

    def count_by(self, steps: Steps) -> None:
        """Count the balances by these steps from now on."""
        self.steps = steps
        past = [row for on, row in self.days.items() if on <= self.today]
        self.counted = sum(steps[pair] * quantity for row in past for pair, quantity in row.items())

    def keep_baseline(self, on: Day) -> None:
        """Keep up the balances at the end of this date, which is not after today."""
        self.baselines[on] = self.balances_at(on)
        self.last_baseline_on = max(self.last_baseline_on, on)

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

    def _wake_those_with_baseline(self, on: Day) -> None:
        """The balances of this date changed: look again at the policies whose baseline they are."""
        for standing in self.standings:
            if standing.policy.baseline_on == on:
                standing.forget_terms()
                self.wake_at = 0


def move(balances: Balances, pair: int, quantity: int) -> None:
    """A posting: so many people leave one account for another."""
    before, after = pair >> CLASS_BITS, pair & CLASS_MASK
    balances[before] = balances.get(before, 0) - quantity
    balances[after] = balances.get(after, 0) + quantity


def worker_key_prefix(company_id: str) -> bytes:
    """Before the worker_id in the key of a worker's row; neither id has white space."""
    return b"w" + company_id.encode() + b" "
