"""A policy on history: the alerts that other policies would have raised over the journal as it is (SEMANTICS 14).

The journal is folded in memory with these policies in place of its own, from its first entry. Nothing is written.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from peserta.operations.alerts_reading import in_order, stored_alerts
from peserta.operations.audit.reading import PartitionReader, Unreadable, entries_of
from peserta.operations.failure import Rejected, Unfit
from peserta.operations.kafka_reading import AT_ONCE_MS, consumer_of
from peserta.settings import Settings
from schemas.codec import JournalCodec
from schemas.dates import day_text, jakarta_day
from schemas.records import Alert, Coordinates, Day, Entry, Policy, PolicyEnded, PolicySet, Tick
from schemas.subscriptions import FIRING
from streams.core.book import Book
from streams.core.timeline import LONG_AGO

TRIED: Final = "policies tried"  # a source of entries that no topic has

OnPassed = Callable[[int, int], None]  # journal offsets folded, and how many there are


class Crossing(NamedTuple):
    """What makes two alerts the same for who compares: episodes are counted anew under other policies."""

    business_date: Day
    company_id: str
    policy_id: str
    status: str


class CompanyDifference(NamedTuple):
    """Alerts of one company: how many fired, as raised and as tried; how many alerts, firing or resolved, are in both
    lists, in that of the raised alone, and in that of the tried alone."""

    company_id: str
    fired_raised: int
    fired_tried: int
    same: int
    only_raised: int
    only_tried: int


@dataclass(frozen=True, slots=True)
class Tried:
    """The alerts that were raised, and those that the policies would have raised, each in the order of recording."""

    raised: tuple[Alert, ...]
    tried: tuple[Alert, ...]

    def differences(self) -> tuple[CompanyDifference, ...]:
        """For each company with an alert in a list, by company_id."""
        raised, tried = crossings(self.raised), crossings(self.tried)
        companies = sorted({each.company_id for each in (*raised, *tried)})
        return tuple(_difference(company, raised, tried) for company in companies)


def crossings(alerts: Iterable[Alert]) -> Counter[Crossing]:
    """Alerts as crossings, and how many of each: one company can fire twice on one day."""
    return Counter(Crossing(each.business_date, each.company_id, each.policy_id, each.status) for each in alerts)


class TriedBook:
    """The book of one partition under other policies, which hold from before its first entry."""

    def __init__(self, partition: int, policies: Sequence[Policy], grace_days: int) -> None:
        self._book = Book(grace_days, partition=partition)
        for number, policy in enumerate(policies):
            self._book.apply(PolicySet(Coordinates(TRIED, partition, number), LONG_AGO, policy), 0)

    def follow(self, entry: Entry, offset: int) -> None:
        """Apply an entry. One that sets or ends a policy only moves the date, as it did in the book."""
        if isinstance(entry, PolicySet | PolicyEnded):
            entry = Tick(entry.came_from, entry.recorded_at, jakarta_day(entry.recorded_at))
        self._book.apply(entry, offset)

    def alerts(self) -> list[Alert]:
        """The alerts since the last call, in order."""
        return self._book.take_alerts()


async def try_policies(
    settings: Settings, policies: Sequence[Policy], first: Day | None, last: Day | None, on_passed: OnPassed
) -> Tried:
    """Fold the whole journal under these policies; the lists have alerts with a business date in first..last.

    Rejected for a period that ends before it begins, Unavailable without Kafka, Unfit for a record of the journal that
    is no entry.
    """
    if first is not None and last is not None and last < first:
        raise Rejected(f"The period ends on {day_text(last)}, before it begins on {day_text(first)}.")
    try:
        tried = await _folded(settings, policies, on_passed)
    except Unreadable as error:
        raise Unfit(f"The journal has a record that is no entry: {error}. `peserta audit` says more.") from error
    raised = (await stored_alerts(settings)).alerts
    return Tried(_within(raised, first, last), _within(in_order(tried), first, last))


async def _folded(settings: Settings, policies: Sequence[Policy], on_passed: OnPassed) -> list[Alert]:
    journal, codec, alerts = settings.topics.journal, JournalCodec(), []
    async with consumer_of(settings.kafka, [journal], fetch_wait_ms=AT_ONCE_MS) as consumer:
        partitions = sorted(tp.partition for tp in consumer.assignment())
        consumer.unsubscribe()
        reader = PartitionReader(consumer)
        stretches = {partition: await reader.stretch(journal, partition) for partition in partitions}
        passed, total = 0, sum(each.end - each.begin for each in stretches.values())
        for partition, (begin, end) in stretches.items():
            book = TriedBook(partition, policies, settings.grace_days)
            async for batch in reader.batches(journal, partition, end=end):
                for record, entry in zip(batch, entries_of(codec, batch), strict=True):
                    book.follow(entry, record.offset)
                alerts += book.alerts()
                on_passed(passed + batch[-1].offset + 1 - begin, total)
            passed += end - begin
    return alerts


def _within(alerts: Iterable[Alert], first: Day | None, last: Day | None) -> tuple[Alert, ...]:
    return tuple(
        each
        for each in alerts
        if (first is None or each.business_date >= first) and (last is None or each.business_date <= last)
    )


def _difference(company: str, raised: Counter[Crossing], tried: Counter[Crossing]) -> CompanyDifference:
    mine, other = ({each: n for each, n in of.items() if each.company_id == company} for of in (raised, tried))
    same = sum(min(n, other.get(each, 0)) for each, n in mine.items())
    alone = (sum(mine.values()) - same, sum(other.values()) - same)
    return CompanyDifference(company, _fired(mine), _fired(other), same, *alone)


def _fired(counts: Mapping[Crossing, int]) -> int:
    return sum(n for each, n in counts.items() if each.status == FIRING)
