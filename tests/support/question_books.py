"""Random books for the questions of analysts: two partitions, recorded in order of time, folded by the naive book."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from schemas.dates import day, jakarta_day, jakarta_midnight
from schemas.records import (
    Baseline,
    Company,
    CompanySet,
    Coordinates,
    Day,
    DeadLetter,
    Entry,
    Fact,
    FactEntry,
    Instant,
    LedgerRecord,
    Policy,
    PolicyEnded,
    PolicySet,
    Posting,
    Scope,
    Snapshot,
)
from schemas.topics import ALERTS, DEAD_LETTERS, JOURNAL, LEDGER, SNAPSHOTS
from schemas.vocabulary import (
    ALL_EMPLOYMENT_TYPES,
    CORRECTION,
    EMPLOYMENT_TYPE_NUMBER,
    ENROLLMENT,
    HIRE,
    REQUIRED_DEFAULT,
    RULES,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
    ClassParts,
    programme_set,
)
from sinks.clickhouse.totals import Totals
from tests.support.facts import tick
from tests.support.naive_book import Line, NaiveBook
from tests.support.naive_timeline import WorkerClass, Workforce
from tests.support.sink_database import Database
from tests.support.sink_records import OUTPUT, dead_letter, journal_values, kept, ledger_value

FIRST: Final[Day] = day("2025-03-01")
PARTITIONS: Final = 2
COMPANIES: Final = tuple(f"C{n}" for n in range(1, 8))
WORKERS: Final = tuple(f"w{n}" for n in range(1, 10))
POLICIES: Final = ("A", "B", "C", "D")
GRACE_DAYS: Final = 30
ENTRIES: Final = 260
SETS: Final = [REQUIRED_DEFAULT] * 3 + [programme_set(names) for names in (("JKK",), ("JMO",), ("JKM",), ("JHT", "JP"))]
KINDS: Final = [HIRE] * 8 + [ENROLLMENT] * 9 + [TERMINATION] * 4 + [CORRECTION] * 2
HOUR_MS: Final = 3_600_000


@dataclass(frozen=True)
class Recorded:
    """A fact of the journal, and what the book made of it."""

    partition: int
    offset: int
    at: Instant
    fact: Fact
    came_from: Coordinates
    disposition: str
    lines: tuple[Line, ...]


@dataclass
class QuestionBook:
    """A book as the tests know it: all of it from the naive book."""

    books: tuple[NaiveBook, ...]
    journals: tuple[list[Entry], ...]
    recorded: list[Recorded] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)

    @property
    def business_dates(self) -> dict[str, Day]:
        """The date of each company that has figures."""
        return {name: book.companies[name].today for book in self.books for name in book.companies if self.has(name)}

    @property
    def latest(self) -> Day:
        return max(self.business_dates.values())

    @property
    def value_dates(self) -> set[Day]:
        return {line[0] for each in self.recorded for line in each.lines}

    def has(self, company_id: str) -> bool:
        """Whether the company has a remembered fact."""
        return any(company_id in b.companies and b.companies[company_id].workforce.facts for b in self.books)

    def book_of(self, company_id: str) -> NaiveBook:
        return self.books[partition_of(company_id)]

    def registered(self, company_id: str) -> Company:
        companies = self.book_of(company_id).companies
        return companies[company_id].registered if company_id in companies else Company(company_id)

    def known(self, at: Instant) -> dict[str, Workforce]:
        """The workforce of each company, of the facts that were recorded by a moment."""
        found: dict[str, Workforce] = {}
        for each in self.recorded:
            if each.at <= at and each.disposition in ("applied", "no_effect"):
                facts = found.setdefault(each.fact.company_id, Workforce(GRACE_DAYS)).facts
                facts[each.fact.worker_id] = (*facts.get(each.fact.worker_id, ()), each.fact)
        return found

    def appearing(self, on: Day, at: Instant) -> list[str]:
        """The companies with a known posting up to a date, sorted."""
        return sorted({r.fact.company_id for r in self.recorded if r.at <= at for line in r.lines if line[0] <= on})


def partition_of(company_id: str) -> int:
    return COMPANIES.index(company_id) % PARTITIONS


def random_book(seed: int) -> QuestionBook:
    """The book of a seed."""
    return _Writer(Random(seed)).book()


class _Writer:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._at: Instant = jakarta_midnight(FIRST)
        self._offset = 0
        self._sent: list[Fact] = []
        books = tuple(NaiveBook(GRACE_DAYS, partition) for partition in range(PARTITIONS))
        self._book = QuestionBook(books, tuple([] for _ in books))

    def book(self) -> QuestionBook:
        for policy_id in POLICIES:
            self._add(PolicySet(self._source("policies"), self._at, self._policy(policy_id)))
        for number in range(ENTRIES):
            self._at += self._random.choice([0, 1000, HOUR_MS, 5 * HOUR_MS, 9 * HOUR_MS, 9 * HOUR_MS, 40 * HOUR_MS])
            self._entry(number)
        self._add(tick(jakarta_day(self._at)))
        return self._book

    def _entry(self, number: int) -> None:
        choice = self._random.choice
        what = choice(["fact"] * 24 + ["again"] * 2 + ["policy", "set", "set", "tick", "ended"] + ["letter"] * 3)
        if what == "policy":
            self._add(PolicySet(self._source("policies"), self._at, self._policy(choice(POLICIES))))
        elif what == "ended" and number > ENTRIES - 40:
            self._add(PolicyEnded(self._source("policies"), self._at, choice(POLICIES)))
        elif what == "set":
            self._add(CompanySet(self._source("companies"), self._at, self._company()))
        elif what == "tick":
            self._add(tick(jakarta_day(self._at)))
        elif what == "letter":
            self._letter("invalid_field", self._source(choice(["workforce.facts.v1", "other"])))
        elif what == "again" and self._sent:
            fact = choice(self._sent)
            self._add_fact(fact if choice([True, False]) else fact._replace(effective_on=fact.effective_on + 1))
        else:
            self._sent.append(self._fact())
            self._add_fact(self._sent[-1])

    def _source(self, topic: str) -> Coordinates:
        self._offset += 1
        return Coordinates(topic, 0, self._offset)

    def _add(self, entry: Entry) -> None:
        """An entry of a company's partition, or of every one."""
        own = partition_of(entry.company.company_id) if isinstance(entry, CompanySet) else None
        for partition in range(PARTITIONS) if own is None else (own,):
            journal = self._book.journals[partition]
            self._book.books[partition].apply(entry, len(journal))
            journal.append(entry)

    def _add_fact(self, fact: Fact) -> None:
        partition = partition_of(fact.company_id)
        journal, came_from = self._book.journals[partition], self._source("workforce.facts.v1")
        entry = FactEntry(came_from, self._at, fact)
        said = self._book.books[partition].apply(entry, len(journal))
        assert said is not None
        disposition, lines = said
        made = Recorded(partition, len(journal), self._at, fact, came_from, disposition, tuple(lines))
        self._book.recorded.append(made)
        journal.append(entry)
        if disposition.startswith("dead_letter:"):
            self._letter(disposition.removeprefix("dead_letter:"), came_from)

    def _letter(self, reason: str, came_from: Coordinates) -> None:
        letter = replace(dead_letter(0), came_from=came_from, recorded_at=self._at, reason=reason)
        self._book.letters.append(replace(letter, source=self._random.choice([None, "hris", "agency"])))

    def _fact(self) -> Fact:
        choice, random = self._random.choice, self._random.random
        kind, company, worker = choice(KINDS), choice((*COMPANIES[:-1], *COMPANIES[:3])), choice(WORKERS)
        today = jakarta_day(self._at)
        on = today + choice([0, 0, 0, 0, -1, -3, -12, -45, 2, 15])
        if self._sent and random() < 0.35:  # the same worker again, perhaps on the same day or at another company
            last = choice(self._sent[-12:])
            worker, company = last.worker_id, choice([last.company_id, company])
            on = choice([last.effective_on, on])
        detail, corrects = 0, ""
        if kind == HIRE:
            detail = choice([0, 1, 2, 3, 3, 3, 4])
        elif kind == TERMINATION:
            detail = choice(range(len(TERMINATION_REASONS)))
        elif kind == ENROLLMENT:
            detail = choice(SETS) | (WITHDRAWN if random() < 0.15 else 0)
        else:
            target = choice(self._sent) if self._sent else None
            corrects = target.event_id if target else "e0"
            company, worker = (target.company_id, target.worker_id) if target else (company, worker)
        source = choice(["hris", "agency", "roster"])
        return Fact(kind, detail, f"e{self._offset}", company, worker, on, jakarta_midnight(today), source, corrects)

    def _policy(self, policy_id: str) -> Policy:
        choice, today = self._random.choice, jakarta_day(self._at)
        rule = choice(RULES)
        begins = choice([FIRST - 400, FIRST - 400, FIRST - 400, today - 2, today + 60])
        return Policy(
            policy_id,
            choice([0, 2000, 3333, 5000, 6667, 10_000]),
            begins,
            rule=rule,
            required=choice([REQUIRED_DEFAULT, REQUIRED_DEFAULT, programme_set(("JMO",))]),
            clock=choice(["raw", "due"]),
            employment_types=choice([ALL_EMPLOYMENT_TYPES, ALL_EMPLOYMENT_TYPES, 0b1000]),
            scope=choice(
                [Scope()] * 4 + [Scope(regencies=("Batam",), kbli_prefixes=("15", "14")), Scope(("C1", "C2"))]
            ),
            min_active=choice([0, 1, 2, 5]),
            hold_days=choice([0, 4, 40]),
            effective_until=choice([None] * 4 + [begins + 30]),
            baseline_on=None if rule == "level" else today + choice([-40, -3, -1, 0, 0, 5]),
        )

    def _company(self) -> Company:
        choice, today = self._random.choice, jakarta_day(self._at)
        dates = sorted({policy.baseline_on or today for policy, _ in self._book.books[0].policies.values()})
        baselines = [Baseline(on, 5, choice([1, 2, 3]), choice([0, 2])) for on in dates]
        names = (
            choice([None, "A name, with a comma"]),
            choice(["15201", "14111", None]),
            choice(["Batam", "Bogor", None]),
        )
        return Company(choice(COMPANIES), *names, tuple(baselines[: choice([0, len(baselines)])]))


async def put_book(database: Database, book: QuestionBook, *, stride: int = 1) -> None:
    """Insert the book twice, the second time in other ranges, so that unmerged parts hold every row twice.

    With a `stride` journal offsets lie that far apart, and full buckets of them are added up, as the sink does.
    """
    await database.stop_merges()
    records = [ledger_value(_ledger_record(each, stride)) for each in book.recorded]
    for again in (0, 1):
        for partition, journal in enumerate(book.journals):
            entries = kept(journal_values(journal)[again:], again)
            further = [entry._replace(offset=stride * entry.offset) for entry in entries]
            await database.put_records(JOURNAL, further, partition=partition)
        await database.put(LEDGER, records, first=again)
        await database.put(SNAPSHOTS, [OUTPUT.encode_snapshot(each) for each in _snapshots(book)], first=again)
        alerts = [alert for each in book.books for alert in each.alerts]
        await database.put(ALERTS, [OUTPUT.encode_alert(alert) for alert in alerts], first=again)
        await database.put(DEAD_LETTERS, [OUTPUT.encode_dead_letter(each) for each in book.letters], first=again)
    totals = Totals(database.warehouse)
    await totals.begin()
    while (bucket := totals.due()) is not None:
        await totals.total(bucket)


def _snapshots(book: QuestionBook) -> list[Snapshot]:
    return [
        Snapshot(book.book_of(name).figures(name), partition_of(name), len(book.journals[partition_of(name)]), 0)
        for name in book.business_dates
    ]


def _ledger_record(each: Recorded, stride: int) -> LedgerRecord:
    lines = tuple(Posting(on, _parts(before), _parts(after), quantity) for on, before, after, quantity in each.lines)
    return LedgerRecord(
        each.partition, stride * each.offset, each.at, each.fact.company_id, each.fact.event_id, each.disposition, lines
    )


def _parts(of: WorkerClass | None) -> ClassParts | None:
    return of and ClassParts(EMPLOYMENT_TYPE_NUMBER[of.employment_type], programme_set(of.programmes), of.new)
