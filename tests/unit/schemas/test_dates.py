"""Business dates and instants: the forms of SEMANTICS 1, midnight in Jakarta, leap days."""

import pytest

from schemas.dates import (
    day,
    day_text,
    effective_range,
    instant,
    instant_text,
    is_instant,
    jakarta_day,
    jakarta_midnight,
)

SECOND = 1_767_571_200_000  # 2026-01-05T00:00:00Z


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("2026-01-05T00:00:00Z", SECOND, id="UTC"),
        pytest.param("2026-01-05t00:00:00z", SECOND, id="small letters"),
        pytest.param("2026-01-05T07:00:00+07:00", SECOND, id="Jakarta"),
        pytest.param("2026-01-04T19:00:00-05:00", SECOND, id="west of Greenwich, on the day before"),
        pytest.param("2026-01-05T00:00:00-00:00", SECOND, id="an unknown local offset"),
        pytest.param("2026-01-05T23:59:00+23:59", SECOND, id="the largest offset"),
        pytest.param("2026-01-05T00:00:00.5Z", SECOND + 500, id="tenths"),
        pytest.param("2026-01-05T00:00:00.1239999Z", SECOND + 123, id="what is below a millisecond is cut"),
        pytest.param("2000-01-01T00:00:00Z", 946_684_800_000, id="the first instant"),
        pytest.param("2199-12-31T23:59:59.999Z", 7_258_118_399_999, id="the last instant"),
        pytest.param("2200-01-01T06:59:59+07:00", 7_258_118_399_000, id="the last second, said in Jakarta"),
        pytest.param("2024-02-29T00:00:00Z", 1_709_164_800_000, id="a leap day"),
    ],
)
def test_an_instant_is_read(text: str, at: int) -> None:
    assert instant(text) == at
    assert instant(instant_text(at)) == at


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-01-05T00:00:00", id="no offset"),
        pytest.param("2026-01-05 00:00:00Z", id="a blank for the T"),
        pytest.param("2026-01-05T00:00Z", id="no seconds"),
        pytest.param("2026-01-05T00:00:60Z", id="second 60"),
        pytest.param("2026-01-05T24:00:00Z", id="hour 24"),
        pytest.param("2026-01-05T00:60:00Z", id="minute 60"),
        pytest.param("2026-01-05T00:00:00+24:00", id="offset of a day"),
        pytest.param("2026-01-05T00:00:00+07:60", id="offset with 60 minutes"),
        pytest.param("2026-01-05T00:00:00+0700", id="offset without a colon"),
        pytest.param("2026-01-05T00:00:00.Z", id="a point and no fraction"),
        pytest.param("2026-01-05T00:00:00,5Z", id="a comma"),
        pytest.param("2025-02-29T00:00:00Z", id="29 February in a common year"),
        pytest.param("1999-12-31T23:59:59.999Z", id="before 2000"),
        pytest.param("2000-01-01T06:59:59+07:00", id="before 2000, though its text begins with 2000"),
        pytest.param("2200-01-01T00:00:00Z", id="2200"),
        pytest.param("２026-01-05T00:00:00Z", id="a digit that is not ASCII"),
        pytest.param("2026-01-05T00:00:00Z\n", id="a line end behind it"),
        pytest.param("1767571200000", id="a number"),
        pytest.param("", id="nothing"),
    ],
)
def test_an_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        instant(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-1-05",
        "2026-02-30",
        "2026-00-10",
        "20260105",
        "2026-01-05T00:00:00Z",
        "2026-01-05\n",
        " 2026-01-05",
        "",
        "٢026-01-05",
        "2026-W01-1",
    ],
)
def test_a_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        day(text)


def test_days_are_counted_from_1970() -> None:
    assert (day("1970-01-01"), day("1969-12-31"), day("2024-02-29")) == (0, -1, 19_782)
    assert [day_text(n) for n in (0, -1, 19_782)] == ["1970-01-01", "1969-12-31", "2024-02-29"]


def test_a_business_date_begins_at_17_o_clock_utc() -> None:
    midnight = instant("2026-01-04T17:00:00Z")
    assert jakarta_midnight(day("2026-01-05")) == midnight
    assert [day_text(jakarta_day(midnight + ms)) for ms in (-1, 0, 86_399_999, 86_400_000)] == [
        "2026-01-04",
        "2026-01-05",
        "2026-01-05",
        "2026-01-06",
    ]


@pytest.mark.parametrize(
    ("recorded", "first", "last"),
    [
        pytest.param("2026-01-05", "1970-01-01", "2027-01-05", id="a common day"),
        pytest.param("2024-02-29", "1970-01-01", "2025-02-28", id="29 February, in a year that has none"),
        pytest.param("2023-02-28", "1970-01-01", "2024-02-28", id="28 February stays the 28th before a leap day"),
        pytest.param("2024-03-01", "1970-01-01", "2025-03-01", id="1 March of a leap year"),
    ],
)
def test_a_fact_may_hold_from_1970_to_one_year_after(recorded: str, first: str, last: str) -> None:
    assert effective_range(day(recorded)) == (day(first), day(last))


def test_instants_reach_from_2000_to_2199() -> None:
    assert [is_instant(at) for at in (946_684_799_999, 946_684_800_000, 7_258_118_399_999, 7_258_118_400_000)] == [
        False,
        True,
        True,
        False,
    ]
