"""Stored alerts have one order, whatever the order of arrival. For each company it is the journal's order."""

from dataclasses import replace
from itertools import count
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from peserta.operations.alerts_reading import in_order
from schemas.records import Alert
from tests.support.journals import deterministic
from tests.support.sink_records import alert

# Partition -> its entries in order, as (recorded_at, number of alerts). Times may go back.
journals: SearchStrategy[dict[int, list[tuple[int, int]]]] = st.dictionaries(
    st.integers(0, 3), st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), max_size=6), max_size=4
)


def alerts_of(journal: dict[int, list[tuple[int, int]]]) -> dict[int, list[Alert]]:
    """Partition -> its alerts in the order of the journal."""
    number = count()
    return {
        partition: [
            replace(
                alert(offset=offset),
                journal_partition=partition,
                journal_offset=offset,
                recorded_at=at,
                company_id=f"C{partition}",
                alert_id=f"C{partition}/{next(number)}",
            )
            for offset, (at, many) in enumerate(entries)
            for _ in range(many)
        ]
        for partition, entries in journal.items()
    }


def interleaved(by_partition: dict[int, list[Alert]], seed: int) -> list[Alert]:
    """All alerts in a random order of arrival. Each partition keeps its own order."""
    left, chance, arrived = [list(each) for each in by_partition.values() if each], Random(seed), []
    while left:
        queue = chance.choice(left)
        arrived.append(queue.pop(0))
        left = [each for each in left if each]
    return arrived


@given(journals, st.integers(0, 9), st.integers(0, 9))
@deterministic
def test_the_order_does_not_depend_on_the_arrival(
    journal: dict[int, list[tuple[int, int]]], one: int, other: int
) -> None:
    alerts = alerts_of(journal)
    assert in_order(interleaved(alerts, one)) == in_order(interleaved(alerts, other))


@given(journals, st.integers(0, 9))
@deterministic
def test_the_order_of_the_journal_holds_in_each_partition(journal: dict[int, list[tuple[int, int]]], seed: int) -> None:
    alerts = alerts_of(journal)
    ordered = in_order(interleaved(alerts, seed))
    assert {p: [a for a in ordered if a.journal_partition == p] for p in alerts} == alerts


@given(journals, st.integers(0, 9))
@deterministic
def test_times_that_do_not_go_back_are_in_order(journal: dict[int, list[tuple[int, int]]], seed: int) -> None:
    forward = {partition: sorted(entries) for partition, entries in journal.items()}
    ordered = in_order(interleaved(alerts_of(forward), seed))
    keys = [(a.recorded_at, a.journal_partition, a.journal_offset) for a in ordered]
    assert keys == sorted(keys)
