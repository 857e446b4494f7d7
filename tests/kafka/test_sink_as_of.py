"""Which texts `coverage_as_of` accepts as a date or an instant, and which it refuses instead of guessing."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.embedded.stack import Stack
from schemas.dates import instant
from tests.support.sink_database import Database, opened_database, shared_database
from tests.support.sink_records import inside, ledger_record, ledger_value, line

LEDGER = "coverage.ledger.v1"
RECORDED = "2025-09-01T03:00:00"
LATER = "'2030-01-01T00:00:00Z'"


async def fill(database: Database) -> None:
    """One worker at C1 from 28 February on, recorded on 1 September at 03:00 UTC."""
    record = ledger_record(0, [line("2025-02-28", None, inside())], recorded=RECORDED)
    await database.put(LEDGER, [ledger_value(record)])


@pytest.fixture(scope="module")
def names(stack: Stack) -> dict[str, str]:
    """Names of a database with ledger lines and of one without. Tests must not write to them."""
    url = stack.clickhouse_url
    return {"some lines": shared_database(url, fill)[0], "no lines": shared_database(url)[0]}


@pytest.fixture
async def database(clickhouse_url: str, names: dict[str, str]) -> AsyncIterator[Database]:
    async with opened_database(clickhouse_url, names["some lines"]) as opened:
        yield opened


async def asked(database: Database, as_of: str, known_at: str, **parameters: object) -> list[tuple[object, ...]]:
    query = f"SELECT as_of, active FROM coverage_as_of(as_of={as_of}, known_at={known_at})"
    return [tuple(row) for row in (await database.client.query(query, parameters=parameters)).result_rows]


DATES = [
    pytest.param("'2025-02-28'", {}, id="a text"),
    pytest.param("toDate('2025-02-28')", {}, id="a Date"),
    pytest.param("toDate32('2025-02-28')", {}, id="a Date32"),
    pytest.param("DATE '2025-02-28'", {}, id="a literal"),
    pytest.param("toDate('2025-02-27') + 1", {}, id="an expression"),
    pytest.param("(SELECT toDate('2025-02-28'))", {}, id="a subquery"),
    pytest.param("{d:Date}", {"d": date(2025, 2, 28)}, id="a parameter of type Date"),
    pytest.param("{d:Date32}", {"d": date(2025, 2, 28)}, id="a parameter of type Date32"),
    pytest.param("{d:String}", {"d": "2025-02-28"}, id="a parameter of type String"),
]


@pytest.mark.parametrize("as_of, parameters", DATES)
async def test_a_date_is_taken_however_it_is_written(
    database: Database, as_of: str, parameters: dict[str, object]
) -> None:
    assert await asked(database, as_of, LATER, **parameters) == [(date(2025, 2, 28), 1)]


NO_DATES = [
    pytest.param(text, id=f"no date: {text!r}")
    for text in (
        *("2025-02-30", "2025-02-29", "2025-04-31", "2025-13-01", "2025-00-10", "2025-01-00", "0000-00-00"),
        *("2025-2-8", "20250228", "28-02-2025", "2025-02-28T00:00:00", "+2025-02-28", "today", "20000"),
        *("1899-12-31", "2300-01-01", "9999-12-31"),
        *("", " 2025-02-28", "2025-02-28 ", "2025-02-28\\n", "\N{FULLWIDTH DIGIT TWO}025-02-28"),
    )
]


@pytest.mark.parametrize("text", NO_DATES)
@pytest.mark.parametrize("rows", ["some lines", "no lines"])
async def test_what_is_no_date_is_refused(clickhouse_url: str, names: dict[str, str], text: str, rows: str) -> None:
    async with opened_database(clickhouse_url, names[rows]) as database:
        with pytest.raises(DatabaseError, match="as_of must be a date that exists"):
            await asked(database, f"'{text}'", LATER)


INSTANTS = [
    pytest.param("'2025-09-01T03:00:00Z'", {}, id="a text in UTC"),
    pytest.param("'2025-09-01t03:00:00z'", {}, id="in lower case"),
    pytest.param("'2025-09-01T10:00:00+07:00'", {}, id="a text with Jakarta's offset"),
    pytest.param("'2025-08-31T20:30:00.000-06:30'", {}, id="a text with an offset to the west"),
    pytest.param("'2025-09-01T03:00:00.0009999Z'", {}, id="a text with more than milliseconds"),
    pytest.param("toDateTime64('2025-09-01 03:00:00', 3)", {}, id="a DateTime64"),
    pytest.param("toDateTime64('2025-09-01 03:00:00', 6, 'UTC')", {}, id="a DateTime64 of microseconds"),
    pytest.param("toDateTime64('2025-09-01 03:00:01', 3) - INTERVAL 1 SECOND", {}, id="an expression"),
    pytest.param(
        "{t:DateTime64(3, 'UTC')}", {"t": datetime(2025, 9, 1, 3, tzinfo=UTC)}, id="a parameter of type DateTime64"
    ),
    pytest.param("{t:String}", {"t": "2025-09-01T03:00:00Z"}, id="a parameter of type String"),
]


@pytest.mark.parametrize("known_at, parameters", INSTANTS)
async def test_an_instant_is_taken_however_it_is_written(
    database: Database, known_at: str, parameters: dict[str, object]
) -> None:
    """The line is known from the millisecond of its recording on."""
    assert await asked(database, "'2025-02-28'", known_at, **parameters) == [(date(2025, 2, 28), 1)]


async def test_now_is_an_instant(database: Database) -> None:
    assert await asked(database, "today()", "now64(3)")


async def test_what_was_recorded_a_millisecond_later_is_not_known(database: Database) -> None:
    for known_at in ("'2025-09-01T02:59:59.999Z'", "'2025-09-01T02:59:59.9999Z'", "'2025-09-01T09:59:59.999+07:00'"):
        assert await asked(database, "'2025-02-28'", known_at) == []


NO_INSTANTS = [
    "2025-09-01 03:00:00",
    "2025-09-01T03:00:00",
    "2025-09-01",
    "2025-02-30T03:00:00Z",
    "2025-02-29T03:00:00+07:00",
    "2025-02-30 03:00:00.000",
    "2025-09-01T24:00:00Z",
    "2025-09-01T03:60:00Z",
    "2025-09-01T03:00:60Z",
    "2025-09-01T03:00:00+24:00",
    "2025-09-01T03:00:00+0700",
    "2025-09-01T03:00:00 07:00",
    "2025-09-01 03:00:00Z",
    "2025-09-01T03:00Z",
    "1999-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "2000-01-01T00:00:00+07:00",
    "2199-12-31T23:59:59-00:01",
    "1756695600",
    "now",
    "",
]


@pytest.mark.parametrize("text", NO_INSTANTS)
async def test_what_is_no_instant_is_refused(database: Database, text: str) -> None:
    with pytest.raises(DatabaseError, match="known_at must be an instant of 2000 to 2199"):
        await asked(database, "'2025-02-28'", f"'{text}'")


async def test_a_value_without_its_zone_is_refused_where_the_session_has_another_one(database: Database) -> None:
    """ClickHouse passes a DateTime64 as text without its zone, so 03:00 in Jakarta would be read as 03:00 UTC."""
    zone = {"session_timezone": "Asia/Jakarta"}
    query = "SELECT active FROM coverage_as_of(as_of='2025-02-28', known_at={})"

    with pytest.raises(DatabaseError, match="session whose time zone is UTC"):
        await database.client.query(query.format("toDateTime64('2025-09-01 10:00:00', 3)"), settings=zone)
    found = await database.client.query(query.format("'2025-09-01T10:00:00+07:00'"), settings=zone)

    assert found.result_rows == [(1,)]


def _is_instant(text: str) -> bool:
    try:
        instant(text)
    except ValueError:
        return False
    return True


_moments = st.datetimes(datetime(1999, 12, 30), datetime(2200, 1, 3))
_offsets = st.builds(
    lambda sign, hours, minutes: f"{sign}{hours:02}:{minutes:02}",
    st.sampled_from("+-"),
    st.integers(0, 24),
    st.integers(0, 60),
)
_texts = st.builds(
    lambda at, letter, fraction, offset: f"{at:%Y-%m-%d}{letter}{at:%H:%M:%S}{fraction}{offset}",
    _moments,
    st.sampled_from("Tt"),
    st.sampled_from(["", ".1", ".12", ".123", ".1239", ".999999999", ".0"]),
    st.one_of(_offsets, st.sampled_from(["Z", "z", ""])),
)
_broken = st.builds(
    lambda text, at, with_: text[: at % len(text)] + with_ + text[at % len(text) + 1 :],
    _texts,
    st.integers(0, 40),
    st.sampled_from(["", "0", "3", "6", "9", " ", "-", ":", "T", "Z"]),
)
MANY = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(st.one_of(_texts, _broken))
async def test_texts_are_instants_here_and_in_the_book_alike(database: Database, text: str) -> None:
    """The view and the book accept the same texts. The view also accepts the text of a DateTime64."""
    query = "SELECT count() FROM coverage_as_of(as_of='2025-02-28', known_at={text:String})"
    is_value = re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,9}", text) is not None

    try:
        (counted,) = (await database.client.query(query, parameters={"text": text})).result_rows
    except DatabaseError as refused:
        assert "known_at must be" in str(refused)
        assert not _is_instant(text)
    else:
        assert is_value or counted == (int(instant(text) >= instant(f"{RECORDED}Z")),)
