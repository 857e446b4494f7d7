"""Statements of account on ClickHouse's own engine, over random books: what the naive book says, and they add up."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

import pytest
from rich.console import Console
from typer.testing import CliRunner

from deploy.embedded.stack import Stack
from peserta.cli.main import app
from peserta.cli.statement import CSV_COLUMNS, _table
from peserta.operations import statement as operation
from peserta.operations.coverage_reading import coverage
from peserta.operations.statement import Asked, BookStatements, Change, Statement, WrongPeriod, statement
from peserta.settings import Settings, read_settings
from schemas.dates import day_text, instant_text, jakarta_day, jakarta_midnight
from schemas.records import Day, Instant
from schemas.vocabulary import CORRECTION, KINDS
from tests.support.naive_timeline import STANDARD, WorkerClass
from tests.support.question_books import COMPANIES, FIRST, QuestionBook, put_book, random_book
from tests.support.sink_database import Database, shared_database

SEED: Final = 15
DRAWS: Final = 24
EVER: Final[Instant] = 1 << 60

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Case:
    """A book, and settings to ask about it."""

    book: QuestionBook
    settings: Settings


@dataclass(frozen=True)
class Drawn:
    """What is asked."""

    company: str
    first: Day
    last: Day
    known_at: Instant | None


@pytest.fixture(scope="module")
def case(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    book = random_book(SEED)

    async def fill(database: Database) -> None:
        await put_book(database, book)

    name, _ = shared_database(stack.clickhouse_url, fill)
    folder = tmp_path_factory.mktemp("statement")
    yield Case(book, read_settings(clickhouse_url=stack.clickhouse_url, clickhouse_database=name, data_dir=folder))


def draws(book: QuestionBook) -> list[Drawn]:
    """Any periods and moments, and, every other time, those on which something was posted or recorded."""
    random = Random(SEED)
    made = []
    for number in range(DRAWS):
        company = COMPANIES[number % 3]
        mine = [each for each in book.recorded if each.fact.company_id == company and each.lines]
        busy = sorted({line[0] for each in mine for line in each.lines})
        first, last = sorted(random.sample(busy if number % 2 else range(FIRST - 60, book.latest + 30), 2))
        moment = random.choice(mine).at if number % 2 else jakarta_midnight(random.randint(FIRST, book.latest))
        made.append(Drawn(company, first, last, None if number % 3 == 2 else moment))
    return made


def is_covered(of: WorkerClass | None) -> bool:
    return of is not None and set(of.programmes) >= STANDARD


def heads(book: QuestionBook, company: str, on: Day, at: Instant) -> tuple[int, int]:
    known = book.known(at)
    return known[company].heads(on)[:2] if company in known else (0, 0)


def changes(book: QuestionBook, asked: Drawn, *, restated: bool) -> list[Row]:
    """The changes of one block, from the lines of the naive book."""
    rows: list[Row] = []
    for place, each in enumerate(book.recorded):
        for on in {line[0] for line in each.lines if each.fact.company_id == asked.company}:
            lines = [line for line in each.lines if line[0] == on]
            active = sum(n * ((after is not None) - (before is not None)) for _, before, after, n in lines)
            covered = sum(n * (is_covered(after) - is_covered(before)) for _, before, after, n in lines)
            is_late = on < asked.first and asked.known_at is not None and each.at > asked.known_at
            is_here = is_late if restated else asked.first <= on <= asked.last
            if is_here and (active or covered):
                cause = "correction" if each.fact.kind == CORRECTION else "fact"
                said = each.at, KINDS[each.fact.kind], each.fact.event_id, each.fact.worker_id
                late = max(0, jakarta_day(each.at) - on)
                rows.append((on, place, (on, *said, active, covered, cause, late)))
    return [row for _, _, row in sorted(rows, key=lambda row: row[:2])]


def plain(found: tuple[Change, ...]) -> list[Row]:
    """The changes without the figures behind them."""
    return [dataclass_tuple(change)[:-2] for change in found]


def dataclass_tuple(change: Change) -> Row:
    return tuple(getattr(change, name) for name in Change.__dataclass_fields__)


@pytest.fixture(scope="module")
def stated(case: Case) -> list[tuple[Drawn, Statement]]:
    return [(each, asked(case, each)) for each in draws(case.book)]


def asked(case: Case, each: Drawn) -> Statement:
    return statement(case.settings, Asked(each.company, each.first, each.last, each.known_at))


def test_opening_and_closing_are_the_figures_of_these_days(case: Case, stated: list[tuple[Drawn, Statement]]) -> None:
    for each, found in stated:
        at = EVER if each.known_at is None else each.known_at
        assert (found.opening.active, found.opening.covered) == heads(case.book, each.company, each.first - 1, at), each
        assert (found.closing.active, found.closing.covered) == heads(case.book, each.company, each.last, EVER), each
        assert (found.opening.on, found.closing.on) == (each.first - 1, each.last)


def test_opening_and_closing_are_those_of_the_view(case: Case, stated: list[tuple[Drawn, Statement]]) -> None:
    for each, found in stated[:3]:
        for balance, at in ((found.opening, each.known_at), (found.closing, None)):
            rows = coverage(case.settings, each.company, balance.on, at).rows
            figures = [(row["active"], row["covered"], row["uncovered"]) for row in rows] or [(0, 0, 0)]
            assert figures == [(balance.active, balance.covered, balance.uncovered)], each


def test_opening_and_changes_are_the_closing(stated: list[tuple[Drawn, Statement]]) -> None:
    for each, found in stated:
        active, covered = found.opening.active, found.opening.covered
        for change in (*found.restated, *found.changes):
            active, covered = active + change.active_change, covered + change.covered_change
            assert (change.active, change.covered) == (active, covered), each
        assert (found.closing.active, found.closing.covered) == (active, covered), each


def test_the_changes_are_those_of_the_naive_book(case: Case, stated: list[tuple[Drawn, Statement]]) -> None:
    for each, found in stated:
        assert plain(found.restated) == changes(case.book, each, restated=True), each
        assert plain(found.changes) == changes(case.book, each, restated=False), each


def test_the_books_have_all_that_a_statement_can_say(stated: list[tuple[Drawn, Statement]]) -> None:
    restated = [change for _, found in stated for change in found.restated]
    every = restated + [change for _, found in stated for change in found.changes]

    assert restated
    assert {change.cause for change in every} == {"fact", "correction"}
    assert {change.late_days > 0 for change in every} == {True, False}
    assert {change.type for change in every} == set(KINDS)
    assert any(change.active_change == 0 for change in every)
    assert any(change.covered_change == 0 for change in every)


def test_a_company_that_nobody_knows(case: Case) -> None:
    assert not statement(case.settings, Asked("nobody", FIRST, FIRST)).is_known
    assert statement(case.settings, Asked(COMPANIES[0], FIRST - 3000, FIRST - 2000)).is_known


def test_a_statement_that_is_too_long(case: Case) -> None:
    whole = Asked(COMPANIES[0], FIRST - 100, case.book.latest)
    found = statement(case.settings, whole)
    assert statement(case.settings, replace(whole, most=len(found.changes))) == found
    with pytest.raises(WrongPeriod, match="choose a shorter one"):
        statement(case.settings, replace(whole, most=len(found.changes) - 1))


def test_a_period_backwards(case: Case) -> None:
    with pytest.raises(WrongPeriod, match="before it begins"):
        statement(case.settings, Asked(COMPANIES[0], FIRST, FIRST - 1))


async def test_the_http_door_has_the_same(case: Case, stated: list[tuple[Drawn, Statement]]) -> None:
    each, found = stated[1]
    asked = Asked(each.company, each.first, each.last, each.known_at)
    assert await BookStatements(case.settings).statement(asked) == found


# ---------------------------------------------------------------- the command


def run(case: Case, *arguments: str) -> tuple[int, str]:
    environment = {name: value for name, value in case.settings.environment().items() if value}
    done = CliRunner().invoke(app, ["statement", *arguments], env=environment)
    return done.exit_code, done.stdout


def test_the_forms_say_the_same(case: Case, stated: list[tuple[Drawn, Statement]]) -> None:
    each, found = next(pair for pair in stated if pair[1].restated and pair[1].changes)
    assert each.known_at is not None
    period = ("--from", day_text(each.first), "--to", day_text(each.last))
    given = (each.company, *period, "--known-at", instant_text(each.known_at))

    _, written = run(case, *given, "--format", "json")
    said = json.loads(written)
    _, lines = run(case, *given, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(lines)))
    code, shown = run(case, *given)

    assert code == 0
    assert said == operation.statement_json(found)
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["block"] for row in rows] == [
        "opening", *["restated"] * len(found.restated), *["period"] * len(found.changes), "closing",
    ]  # fmt: skip
    for row, change in zip(rows[1:-1], said["restated"] + said["changes"], strict=True):
        assert row == {"block": row["block"], **{name: str(value) for name, value in change.items()}}
    for row, name in ((rows[0], "opening"), (rows[-1], "closing")):
        figures = said[name]["on"], str(said[name]["active"]), str(said[name]["covered"])
        assert (row["value_on"], row["active"], row["covered"]) == figures
    assert f"Opening   {said['opening']['on']}: {found.opening.active} active, {found.opening.covered} covered" in shown
    assert f"Closing   {said['closing']['on']}: {found.closing.active} active, {found.closing.covered} covered" in shown
    assert f"          as known at {instant_text(each.known_at)}" in shown.splitlines()
    assert "restated: days before, recorded since" in shown
    assert max(len(line) for line in shown.splitlines() if line.startswith(("Opening", "Closing", "  "))) <= 80
    assert all(str(change["event_id"]) in shown for change in said["changes"])


def test_a_screen_of_80_columns_has_what_a_bank_states(stated: list[tuple[Drawn, Statement]]) -> None:
    """With tokens and identifiers as long as they come: these two give way, and are named."""
    every = (change for _, found in stated for change in found.changes)
    long = [replace(change, worker_id="n" * 25, event_id="e" * 64) for change in every]
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system=None)
    console.print(_table("in the period", tuple(long[:20])))
    shown = console.file.getvalue()  # type: ignore[attr-defined]

    assert max(map(len, shown.splitlines())) <= 80
    for name in ("value date", "recorded", "what", "late", "± active", "± covered", "active", "covered"):
        assert name in shown.splitlines()[1] or name in shown.splitlines()[2]
    assert "2 columns more (worker, event): a wider terminal, --format csv or json." in shown


def test_an_unknown_company_ends_the_command(case: Case) -> None:
    code, _ = run(case, "nobody", "--from", "2025-03-01", "--to", "2025-03-31")
    assert code != 0
