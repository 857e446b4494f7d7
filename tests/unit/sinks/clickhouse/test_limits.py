"""The columns hold every value that the service admits or derives."""

from datetime import date

import pytest

from schemas.dates import BUSINESS_DATE_MAX, INSTANT_END, INSTANT_MIN, day, day_text, effective_range
from schemas.records import Day
from sinks.clickhouse.tables.block import Block
from sinks.clickhouse.tables.limits import DATE32, DATETIME64, HELD, NESTED, misfit
from streams.core.book import GRACE_DAYS_MAX

EVERY_DATE32 = day("2299-12-31")  # the last day of Date32 in every version of ClickHouse


def test_the_last_business_date_is_that_of_the_last_instant_in_jakarta() -> None:
    assert day_text(BUSINESS_DATE_MAX) == "2200-01-01"


def test_every_date_that_is_admitted_or_derived_is_held() -> None:
    _, last_effective = effective_range(BUSINESS_DATE_MAX)

    derived: list[Day] = [0, BUSINESS_DATE_MAX, last_effective, last_effective + GRACE_DAYS_MAX + 1]
    assert all(DATE32.low <= on <= min(EVERY_DATE32, DATE32.high) for on in derived)
    assert DATETIME64.low <= INSTANT_MIN and DATETIME64.high >= INSTANT_END - 1


@pytest.mark.parametrize("on", [date.min, date.max])
def test_every_date_that_a_policy_or_a_baseline_may_have_is_held(on: date) -> None:
    assert DATE32.low <= day(on.isoformat()) <= DATE32.high


@pytest.mark.parametrize("name", HELD)
def test_a_number_beyond_a_column_is_a_misfit_and_the_last_within_is_not(name: str) -> None:
    low, high = HELD[name]
    fine = [[low, high], [high]] if name in NESTED else [low, high]
    for beyond in (low - 1, high + 1):
        wrong = [[low], None, [None, beyond]] if name in NESTED else [low, beyond]
        assert misfit(Block("t", {"other": ["x"], name: wrong})) == name

    assert misfit(Block("t", {"other": ["x"], name: fine})) == ""
    assert misfit(Block("t", {name: []})) == ""
