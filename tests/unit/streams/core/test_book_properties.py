"""Properties of every journal: replays, restarts and batch sizes change nothing, the ledger adds up, and alerts
alternate."""

from collections import Counter, defaultdict
from copy import deepcopy
from dataclasses import replace
from itertools import accumulate
from random import Random
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import OutputCodec
from schemas.ledger_lines import CLASS_BITS, CLASS_MASK, PAIR_BITS, PAIR_MASK
from schemas.records import Alert, Entry, Fact, FactEntry
from schemas.vocabulary import CLASSES, CORRECTION, OUTSIDE
from streams.core.book import Book, Changes, Outcome
from streams.core.company import CompanyBook
from streams.core.counting import count
from streams.core.figures import figures
from streams.core.policy_state import PolicyState
from streams.core.rows import Rows
from streams.core.tally import counts_at
from tests.support.busy_journals import busy_entries
from tests.support.facts import entry
from tests.support.journals import WORKERS, contracts, dates, deterministic, facts
from tests.support.naive_timeline import WorkerClass, Workforce, timeline_of, worker_class

GRACE_DAYS = 9

Change = tuple[int, WorkerClass | None, WorkerClass | None]
journals = busy_entries()


class Said(NamedTuple):
    """All outputs of a book for a journal, with the last snapshot of each company, and the final state."""

    ledger: list[bytes]
    alerts: list[bytes]
    rows: Rows
    snapshots: dict[str, bytes]

    def take(self, changes: Changes) -> None:
        """Add the changes since the last call."""
        self.rows.update(changes.rows)
        encode = OutputCodec().encode_snapshot
        self.snapshots.update({snapshot.figures.company_id: encode(snapshot) for snapshot in changes.snapshots})


def fold(journal: list[Entry], *, take_after: frozenset[int] = frozenset(), restart: bool = False) -> Said:
    """Fold a journal. Take the changes after these entries, and with `restart` reopen the book from its rows there."""
    codec = OutputCodec()
    book, kept = Book(GRACE_DAYS), Said([], [], {}, {})
    for offset, one in enumerate(journal):
        outcome = book.apply(one, offset)
        if outcome is not None and isinstance(one, FactEntry):
            at = 0, offset, one.recorded_at
            ids = one.fact.company_id, one.fact.event_id
            kept.ledger.append(codec.encode_ledger(at, *ids, outcome.disposition, outcome.lines))
        kept.alerts.extend(map(codec.encode_alert, book.take_alerts()))
        if offset in take_after:
            kept.take(book.take_changes())
            book = Book(GRACE_DAYS, rows=dict(kept.rows)) if restart else book
    kept.take(book.take_changes())
    return kept


@settings(deterministic, max_examples=60)
@given(journals, st.frozensets(st.integers(0, 90)))
def test_a_replay_says_the_same_bytes_whatever_the_batches(journal: list[Entry], ends: frozenset[int]) -> None:
    assert fold(journal, take_after=ends) == fold(journal)


@settings(deterministic, max_examples=120)
@given(journals, st.frozensets(st.integers(0, 90), min_size=1))
def test_a_book_taken_up_from_its_rows_continues_as_the_unbroken_one(
    journal: list[Entry], ends: frozenset[int]
) -> None:
    assert fold(journal, take_after=ends, restart=True) == fold(journal)


@settings(deterministic, max_examples=40)
@given(journals)
def test_a_restart_after_every_entry_changes_nothing(journal: list[Entry]) -> None:
    assert fold(journal, take_after=frozenset(range(90)), restart=True) == fold(journal)


@settings(deterministic, max_examples=40)
@given(journals)
def test_figures_of_a_book_taken_up_again_are_those_of_the_unbroken_one(journal: list[Entry]) -> None:
    book = applied(journal)[0]
    book.take_changes()
    again = Book(GRACE_DAYS, rows=dict(book.rows))
    assert list(map(figures, sorted_companies(again))) == list(map(figures, sorted_companies(book)))


@settings(deterministic, max_examples=60)
@given(journals, st.data())
def test_entries_repeated_by_the_recorder_change_nothing(journal: list[Entry], data: st.DataObject) -> None:
    once = applied(journal)
    # A restarted recorder appends some entries a second time before it continues.
    cut = data.draw(st.integers(0, len(journal)))
    back = data.draw(st.integers(0, cut))
    again = journal[:cut] + journal[back:cut] + journal[cut:]
    twice = applied(again)
    assert [o for o in twice[1] if o is not None] == [o for o in once[1] if o is not None]
    assert [same_crossing(a) for a in twice[2]] == [same_crossing(a) for a in once[2]]
    assert twice[0].repeats == once[0].repeats + (cut - back)
    assert {**twice[0].rows, **twice[0].take_changes().rows} == {**once[0].rows, **once[0].take_changes().rows}


@settings(deterministic, max_examples=60)
@given(st.lists(facts(), max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter_to_the_ledger(sent: list[Fact], random: Random) -> None:
    one_of_each = list({(f.company_id, f.worker_id, f.event_id): f for f in sent}.values())
    shuffled = one_of_each.copy()
    random.shuffle(shuffled)
    at = one_of_each[0].occurred_at if one_of_each else 0
    sums = [
        ledger_sums(applied([entry(fact, n, at) for n, fact in enumerate(order)])[0])
        for order in (one_of_each, shuffled)
    ]
    assert sums[0] == sums[1]


@settings(deterministic, max_examples=60)
@given(st.lists(facts(WORKERS[:1], ("C1",)), max_size=14), facts(WORKERS[:1], ("C1",)))
def test_a_correction_reverses_every_line_of_its_fact(before: list[Fact], mistake: Fact) -> None:
    mistake = mistake._replace(event_id="mistake")
    book = Book(GRACE_DAYS)
    sent = [*before, mistake, mistake._replace(kind=CORRECTION, detail=0, event_id="fix", corrects="mistake")]
    outcomes = [book.apply(entry(fact, n), n) for n, fact in enumerate(sent)]
    posted, reversed_ = outcomes[-2], outcomes[-1]
    assert posted is not None and reversed_ is not None
    # The lowest bit is the sign, so a reversal flips it. A correction of a correction has no effect.
    reversal = [] if mistake.kind == CORRECTION else sorted(line ^ 1 for line in posted.lines)
    assert reversed_.lines == reversal


@settings(deterministic, max_examples=60)
@given(journals, dates)
def test_the_sum_of_the_lines_is_the_headcount_recounted_from_the_facts(journal: list[Entry], on: int) -> None:
    book, outcomes, _ = applied(journal)
    workforces: dict[str, Workforce] = defaultdict(lambda: Workforce(GRACE_DAYS))
    for one, outcome in zip(journal, outcomes, strict=True):
        if isinstance(one, FactEntry) and outcome is not None and outcome.disposition in ("applied", "no_effect"):
            known = workforces[one.fact.company_id].facts
            known[one.fact.worker_id] = (*known.get(one.fact.worker_id, ()), one.fact)
    for company_id, workforce in workforces.items():
        heads = workforce.heads(on)
        assert count(book.companies[company_id].balances_at(on)) == tuple(heads)


@settings(deterministic, max_examples=60)
@given(journals)
def test_double_entry_the_accounts_of_a_company_add_up_to_zero_and_none_but_outside_is_negative(
    journal: list[Entry],
) -> None:
    for company in applied(journal)[0].companies.values():
        now = company.balances_at(company.today)
        assert sum(now.values()) == 0
        assert all(heads >= 0 for number, heads in now.items() if number != OUTSIDE)
        for on, balances in company.baselines.items():
            assert nonzero(balances) == nonzero(company.balances_at(on))


@settings(deterministic, max_examples=30)
@given(journals)
def test_what_is_kept_up_for_the_policies_is_what_counting_the_balances_gives(journal: list[Entry]) -> None:
    book = Book(GRACE_DAYS)
    for offset, one in enumerate(journal):
        book.apply(one, offset)
        for company in (*book.companies.values(), *Book(GRACE_DAYS, rows=at_rest(book)).companies.values()):
            for known in company.states:
                kept = counts_at(company.counted, known.slot)
                policy = known.policy
                assert kept == count(company.balances_at(company.today), policy.required, policy.employment_types)


@settings(deterministic, max_examples=60)
@given(journals)
def test_reading_the_figures_of_a_company_changes_nothing_in_it(journal: list[Entry]) -> None:
    book = Book(GRACE_DAYS)
    for offset, one in enumerate(journal):
        book.apply(one, offset)
        if offset % 5 == 0:
            book.take_changes()
        for company in (*book.companies.values(), *Book(GRACE_DAYS, rows=dict(book.rows)).companies.values()):
            before = contents(company)
            assert figures(company) == figures(company)
            assert contents(company) == before


def contents(company: CompanyBook) -> dict[str, object]:
    """The current value of every field of the company and of its policy states."""
    fields = {name: deepcopy(getattr(company, name)) for name in CompanyBook.__slots__ if name != "_policies"}
    states = [{name: deepcopy(getattr(s, name)) for name in PolicyState.__slots__} for s in company.states]
    return {**fields, "states": states}


def at_rest(book: Book) -> Rows:
    book.take_changes()
    return dict(book.rows)


@settings(deterministic, max_examples=80)
@given(journals)
def test_alerts_of_a_company_and_policy_alternate_and_their_episodes_count_up(journal: list[Entry]) -> None:
    of_standing: dict[tuple[str, str], list[Alert]] = defaultdict(list)
    for alert in applied(journal)[2]:
        of_standing[alert.company_id, alert.policy_id].append(alert)
    for (company_id, policy_id), alerts in of_standing.items():
        expected = [(n // 2 + 1, "resolved" if n % 2 else "firing") for n in range(len(alerts))]
        assert [(a.episode, a.status) for a in alerts] == expected
        assert [a.alert_id for a in alerts] == [f"{company_id}/{policy_id}/{episode}" for episode, _ in expected]
        dates_of = [a.business_date for a in alerts]
        assert dates_of == list(accumulate(dates_of, max))
        for firing, resolved in zip(alerts[::2], alerts[1::2], strict=False):
            assert resolved.episode_start == firing.episode_start == firing.business_date


@settings(deterministic, max_examples=150)
@given(st.lists(facts(WORKERS[:1], ("C1",)), max_size=20))
def test_remembering_fact_by_fact_posts_what_folding_the_whole_timeline_does(sent: list[Fact]) -> None:
    posted, known = posted_one_by_one(sent)
    assert posted == list(timeline_of(known, GRACE_DAYS))


def posted_one_by_one(sent: list[Fact]) -> tuple[list[Change], tuple[Fact, ...]]:
    """The sum of the lines of one worker's facts, and the facts that the book remembers."""
    book = Book(GRACE_DAYS)
    known: tuple[Fact, ...] = ()
    sums: Counter[tuple[int, int]] = Counter()
    for n, fact in enumerate(sent):
        outcome = book.apply(entry(fact, n), n)
        assert outcome is not None
        known = (*known, fact) if outcome.disposition in ("applied", "no_effect") else known
        for line in outcome.lines:
            change = line >> 1
            sums[change >> PAIR_BITS, change & PAIR_MASK] += 1 if line & 1 else -1
        assert all(quantity in (0, 1) for quantity in sums.values())
    posted = [
        (on, worker_class(CLASSES[pair >> CLASS_BITS]), worker_class(CLASSES[pair & CLASS_MASK]))
        for (on, pair), quantity in sorted(sums.items())
        if quantity
    ]
    return posted, known


@settings(deterministic, max_examples=400)
@given(contracts())
def test_contracts_that_end_and_begin_on_a_day_post_what_folding_day_by_day_does(sent: list[Fact]) -> None:
    posted, known = posted_one_by_one(sent)
    assert posted == list(timeline_of(known, GRACE_DAYS))


def applied(journal: list[Entry]) -> tuple[Book, list[Outcome | None], list[Alert]]:
    book = Book(GRACE_DAYS)
    outcomes = [book.apply(one, offset) for offset, one in enumerate(journal)]
    return book, outcomes, book.take_alerts()


def sorted_companies(book: Book) -> list[CompanyBook]:
    return [company for _, company in sorted(book.companies.items())]


def same_crossing(alert: Alert) -> Alert:
    """The alert without its offset, because repeated entries shift the later ones."""
    return replace(alert, journal_offset=0)


def ledger_sums(book: Book) -> dict[str, dict[tuple[int, int], int]]:
    return {
        company_id: {(on, pair): q for on, row in company.days.items() for pair, q in row.items() if q}
        for company_id, company in book.companies.items()
    }


def nonzero(balances: dict[int, int]) -> dict[int, int]:
    return {number: heads for number, heads in balances.items() if heads}
