"""The book of one partition: journal entries in; dispositions, ledger lines, alerts and changed rows out.

A pure fold: the same entries give the same book, whatever the batches. `apply` takes the entries in order, and
`take_changes` hands over what they changed since the last call. Only the worker whose fact arrived is folded again,
only the days that were touched are written, and a policy is looked at only when its result can have changed.
"""

import heapq
from typing import Final, NamedTuple

from schemas.dates import jakarta_day
from schemas.ledger_lines import Line
from schemas.records import (
    Alert,
    CompanySet,
    Coordinates,
    Day,
    Entry,
    FactEntry,
    Instant,
    Policy,
    PolicyEnded,
    PolicySet,
    Snapshot,
)
from streams.core import rows as at_rest
from streams.core.company import CompanyBook
from streams.core.figures import figures
from streams.core.policies import Policies
from streams.core.rows import Rows, StateRows
from streams.core.timeline import LONG_AGO
from streams.core.watch import Cause, evaluate
from streams.core.worker import remember

GRACE_DAYS_DEFAULT: Final = 30
GRACE_DAYS_MAX: Final = 3650


class Outcome(NamedTuple):
    """What a fact did."""

    disposition: str
    lines: list[Line]


class Changes(NamedTuple):
    """What the entries since the last call changed: rows at rest, and snapshots of the companies."""

    rows: Rows
    snapshots: list[Snapshot]


class StateMismatch(Exception):
    """The rows at rest were folded by other rules than this book's."""


class Book:
    """The state of one partition.

    `rows` is the state at rest. Rows of workers are read and written there at once, other rows when changes are taken.
    """

    def __init__(
        self, grace_days: int = GRACE_DAYS_DEFAULT, *, partition: int = 0, rows: StateRows | None = None
    ) -> None:
        """Continue the book that `rows` hold; StateMismatch when they were folded by other rules."""
        self.partition = partition
        self.grace_days = grace_days
        self.rows: StateRows = {} if rows is None else rows
        self.today: Day = LONG_AGO  # date of the latest entry for every partition
        self.companies: dict[str, CompanyBook] = {}
        self.policies = Policies()
        self.repeats = 0  # entries skipped because the recorder repeated them
        self._cursors: dict[tuple[str, int], int] = {}
        self._alerts: list[Alert] = []
        self._changed_rows: Rows = {}
        self._changed_companies: dict[CompanyBook, tuple[int, Instant]] = {}  # and the last entry that changed each
        self._cursors_taken: dict[tuple[str, int], int] = {}  # as they were when changes were last taken
        self._restore()

    # ---- entries

    def apply(self, entry: Entry, offset: int) -> Outcome | None:
        """Apply the journal entry at this offset -> the outcome of a fact; None for other entries and for repeats."""
        if not self._advance(entry.came_from):
            return None
        if isinstance(entry, FactEntry):
            return self._fact(entry, offset)
        cause = Cause("date", None, self.partition, offset, entry.recorded_at)
        if isinstance(entry, CompanySet):
            self._company_set(entry, cause)
            return None
        self._open_everywhere(jakarta_day(entry.recorded_at), cause)
        if isinstance(entry, PolicySet):
            self._policy_set(entry.policy, False, cause)
        elif isinstance(entry, PolicyEnded) and entry.policy_id in self.policies.by_id:
            self._policy_set(self.policies.by_id[entry.policy_id][0], True, cause)
        return None

    def _advance(self, came_from: Coordinates) -> bool:
        """Whether this is a new entry of its source, and not a repeat of the recorder's."""
        topic, partition, offset = came_from
        source = topic, partition
        if offset <= self._cursors.get(source, -1):
            self.repeats += 1
            return False
        self._cursors[source] = offset
        return True

    def _fact(self, entry: FactEntry, offset: int) -> Outcome:
        _, recorded_at, fact, _ = entry
        today = jakarta_day(recorded_at)
        company = self.companies.get(fact.company_id)
        if company is None or today > company.today:
            company = self._company(fact.company_id, today, offset, recorded_at)
        key = company.worker_key + fact.worker_id.encode()
        disposition, row, lines = remember(self.rows.get(key), fact, self.grace_days)
        if row is not None:
            self.rows[key] = self._changed_rows[key] = row
            if lines or not company.has_facts:
                company.post(lines)
                self._changed_companies[company] = offset, recorded_at
        if company.is_due():
            self._evaluate(company, Cause("fact", fact.event_id, self.partition, offset, recorded_at))
        return Outcome(disposition, lines)

    def _company_set(self, entry: CompanySet, cause: Cause) -> None:
        today = jakarta_day(entry.recorded_at)
        company = self._company(entry.company.company_id, today, cause.offset, entry.recorded_at)
        company.register(entry.company)
        self._changed_rows[at_rest.registered_key(company.company_id)] = at_rest.pack_registered(entry.company)
        self._changed_companies[company] = cause.offset, cause.recorded_at
        self._evaluate(company, cause._replace(kind="company"))

    def _policy_set(self, policy: Policy, ended: bool, cause: Cause) -> None:
        """Apply a policy, a new version of it, or its end; evaluate every company under it."""
        self.policies.put(policy, ended)
        self._changed_rows[at_rest.policy_key(policy.policy_id)] = at_rest.pack_policy(policy, ended)
        for company_id in sorted(self.companies):
            company = self.companies[company_id]
            company.put_under(policy.policy_id)
            self._changed_companies[company] = cause.offset, cause.recorded_at
            self._evaluate(company, cause._replace(kind="policy"), only=policy.policy_id)

    # ---- time

    def _company(self, company_id: str, today: Day, offset: int, recorded_at: Instant) -> CompanyBook:
        """The company of one of its own entries, with its dates opened up to `today`.

        A new company starts on that date, or on the partition's date if that is later; no earlier date is opened.
        """
        company = self.companies.get(company_id)
        if company is None:
            company = self.companies[company_id] = CompanyBook(company_id, max(today, self.today), self.policies)
            self._changed_companies[company] = offset, recorded_at
        elif today > company.today:
            self._open_dates(company, today, Cause("date", None, self.partition, offset, recorded_at))
            self._changed_companies[company] = offset, recorded_at
        return company

    def _open_everywhere(self, until: Day, cause: Cause) -> None:
        """Open dates for an entry that goes to every partition: in order of date, then of company id."""
        self.today = max(self.today, until)
        behind = [company for company in self.companies.values() if company.today < until]
        due = [(company.next_on, company.company_id) for company in behind if company.next_on <= until]
        heapq.heapify(due)
        while due:
            on, company_id = heapq.heappop(due)
            company = self.companies[company_id]
            self._open_dates(company, on, cause)
            if company.next_on <= until:
                heapq.heappush(due, (company.next_on, company_id))
        for company in behind:
            self._open_dates(company, until, cause)
            self._changed_companies[company] = cause.offset, cause.recorded_at

    def _open_dates(self, company: CompanyBook, until: Day, cause: Cause) -> None:
        """Open every date up to `until` on which something can change by itself."""
        while company.open_next(until):
            if company.is_due():
                self._evaluate(company, cause)

    def _evaluate(self, company: CompanyBook, cause: Cause, only: str | None = None) -> None:
        """Evaluate the policies that are due. Without a change this gives no alert, so that a restored book gives the
        same alerts as one that was never interrupted."""
        self._alerts += evaluate(company, cause, only)

    # ---- changes and rest

    def take_alerts(self) -> list[Alert]:
        """The alerts since the last call, in order."""
        alerts, self._alerts = self._alerts, []
        return alerts

    def take_changes(self) -> Changes:
        """Rows and snapshots of what changed since the last call."""
        changed, self._changed_rows = self._changed_rows, {}
        book = at_rest.pack_book(self.grace_days, self.today)
        if self.rows.get(at_rest.BOOK_KEY) != book:
            changed[at_rest.BOOK_KEY] = book
        for source, offset in self._cursors.items():
            if offset != self._cursors_taken.get(source):
                changed[at_rest.source_key(*source)] = at_rest.pack_number(offset)
        self._cursors_taken = self._cursors.copy()
        snapshots = []
        for company, changed_at in self._changed_companies.items():
            changed |= at_rest.company_rows(company)
            if company.has_facts:
                snapshots.append(Snapshot(figures(company), self.partition, *changed_at))
        self._changed_companies.clear()
        self.rows.update(changed)
        return Changes(changed, snapshots)

    def _restore(self) -> None:
        other_rules = mismatch(self.rows, self.grace_days)
        if other_rules is not None:
            raise StateMismatch(other_rules)
        if at_rest.BOOK_KEY in self.rows:
            self.today = at_rest.unpack_book(self.rows[at_rest.BOOK_KEY])["today"]
        self._cursors, self.policies, self.companies = at_rest.unpack(self.rows)
        self._cursors_taken = self._cursors.copy()


def mismatch(rows: at_rest.StateRows, grace_days: int) -> str | None:
    """Why a state cannot be continued with this code and grace period, and what to do; None if it can."""
    if at_rest.BOOK_KEY not in rows:
        return None
    book = at_rest.unpack_book(rows[at_rest.BOOK_KEY])
    if book["format"] != at_rest.FORMAT:
        return (
            f"the state was folded by the rules of format {book['format']}, this version has those of "
            f"format {at_rest.FORMAT}: `peserta rebuild` folds the whole book by them, and shows what differs"
        )
    if book["grace_days"] != grace_days:
        return (
            f"the book was opened with a grace period of {book['grace_days']} days, the settings say {grace_days}: "
            "set it back, or fold a new generation (`peserta rebuild`)"
        )
    return None
