"""The question `contributions` on ClickHouse's own engine, with random rates, beside a slow reckoning."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from deploy.embedded.stack import Stack
from peserta.cli.main import app
from peserta.operations.contributions import remarks
from peserta.operations.failure import Rejected
from peserta.operations.question_reading import BookAnswers
from peserta.operations.questions import Form, answer, request
from peserta.operations.rates import MinimumWage, rates_text
from peserta.operations.rates_file import TEXT_BYTES_MAX, read_rates
from peserta.settings import Settings, read_settings
from schemas.dates import day_text
from schemas.keys import READER
from tests.support.contribution_answers import (
    RATES,
    Document,
    contributions_of,
    rate,
    rates_yaml,
    relief,
    risk_group,
    wage,
)
from tests.support.http_door import HttpDoor
from tests.support.question_answers import Rows, Values
from tests.support.question_books import FIRST, QuestionBook, put_book, random_book
from tests.support.sink_database import Database, shared_database

SEED: Final = 6
ON: Final = {"as_of": "2025-05-20", "month": "2025-04"}
YEARS: Final = (2023, 2024, 2025, 2026)
MONTHS: Final = [f"{year}-{month:02d}" for year in YEARS for month in (1, 2, 3, 11, 12)]
PREFIXES: Final = ["1", "15", "152", "15201", "14", "14111", "9"]
GROUPS: Final = ["I", "III"]


@dataclass(frozen=True)
class Case:
    """A book in ClickHouse, and settings whose file of rates each test writes."""

    book: QuestionBook
    settings: Settings
    file: Path

    def ask(self, document: Document, given: Values) -> tuple[Rows, Values]:
        self.file.write_text(rates_yaml(document), encoding="utf-8")
        wanted = request(self.settings, "contributions", given)
        return [tuple(row) for row in answer(self.settings, wanted).rows], dict(wanted.values)

    def remarks(self, document: Document, given: Values) -> tuple[str, ...]:
        self.file.write_text(rates_yaml(document), encoding="utf-8")
        return remarks(self.settings, request(self.settings, "contributions", given))


@pytest.fixture(scope="module")
def case(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    book = random_book(SEED)

    async def fill(database: Database) -> None:
        await put_book(database, book)

    name, _ = shared_database(stack.clickhouse_url, fill)
    folder = tmp_path_factory.mktemp("rates")
    options: dict[str, Any] = {"clickhouse_url": stack.clickhouse_url, "clickhouse_database": name}
    yield Case(book, read_settings(**options, data_dir=folder, rates_file=folder / "r.yaml"), folder / "r.yaml")


months = st.sampled_from(MONTHS)
ppms = st.one_of(st.integers(0, 1_000_000), st.sampled_from([0, 1, 2400, 8900, 500_000, 1_000_000]))
rupiah = st.one_of(st.integers(1, 5_000_000), st.sampled_from([1, 50, 150, 2_610_224, 1_000_000_000]))
caps = st.one_of(st.none(), rupiah)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Files of rates in which every rule has something to decide."""
    of_jkk = draw(
        st.dictionaries(st.tuples(st.sampled_from(GROUPS), months), st.tuples(ppms, caps), min_size=3, max_size=8)
    )
    of_jkm = draw(st.dictionaries(months, st.tuples(ppms, caps), min_size=1, max_size=4))
    rates = [rate("JKK", group, since, *parts) for (group, since), parts in of_jkk.items()]
    rates += [rate("JKM", None, since, *parts) for since, parts in of_jkm.items()]
    reliefs = [relief_of(draw, programme) for programme in ("JKK", "JKM") if draw(st.booleans())]
    groups = draw(st.dictionaries(st.sampled_from(PREFIXES), st.sampled_from(GROUPS), min_size=2, max_size=5))
    wages = draw(
        st.dictionaries(st.tuples(st.sampled_from(["Batam", "Bogor"]), st.sampled_from(YEARS)), rupiah, min_size=2)
    )
    return {
        "rates": draw(st.permutations(rates)),
        "reliefs": reliefs,
        "risk_groups": [risk_group(*each) for each in groups.items()],
        "wages": draw(st.permutations([wage(*key, amount) for key, amount in wages.items()])),
    }


def relief_of(draw: st.DrawFn, programme: str) -> dict[str, Any]:
    since, until = sorted((draw(months), draw(months)))
    prefixes = draw(st.lists(st.sampled_from(PREFIXES), min_size=1, max_size=3))
    return relief(f"{programme}-relief", programme, since, until, draw(ppms), prefixes, draw(st.integers(0, 4)))


@settings(
    max_examples=20,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example is a query: shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(document=documents(), month=months, asked=st.one_of(st.just(None), rupiah), on=st.integers(0, 60))
def test_contributions_are_those_of_a_reckoning_by_fractions(
    case: Case, document: Document, month: str, asked: int | None, on: int
) -> None:
    given = {"month": month, "as_of": day_text(FIRST + on)} | ({} if asked is None else {"wage": str(asked)})
    rows, values = case.ask(document, given)

    assert rows == contributions_of(document, case.book, values)


@pytest.mark.parametrize("month", ["2025-02", "2025-03", "2025-04", "2025-05"])
def test_a_relief_applies_from_its_first_month_to_its_last(case: Case, month: str) -> None:
    document = RATES | {"reliefs": [relief("half", "JKK", "2025-03", "2025-04", 500_000, ["1"], 1)]}
    rows, values = case.ask(document, {"month": month, "as_of": day_text(case.book.latest), "wage": "1000000"})

    assert any(row[5] for row in rows) == (month in ("2025-03", "2025-04"))
    assert rows == contributions_of(document, case.book, values)


def test_the_month_is_that_of_as_of_and_the_date_the_latest(case: Case) -> None:
    _, values = case.ask(RATES, {})

    assert values["as_of"] == day_text(case.book.latest)
    assert values["month"] == values["as_of"][:7]
    assert values["wage"] == ""


def test_it_is_said_which_wages_stood_in_and_which_are_missing(case: Case) -> None:
    on = day_text(case.book.latest)
    companies = {row[0]: case.book.registered(row[0]) for row in case.ask(RATES, {"as_of": on})[0]}
    without = [company for company in companies.values() if company.regency not in ("Batam", "Bogor")]
    no_group = [company for company in companies.values() if company.kbli is None]
    assert {each.regency for each in companies.values()} >= {"Batam"}

    said = case.remarks(RATES, {"as_of": on, "month": "2025-04"})

    assert "No minimum wage of 2025 is known for Batam: the one of 2024 is reckoned with." in said
    assert any(f": {len(without)} of {len(companies)} companies have no figure" in each for each in said)
    assert any(f": {len(no_group)} of {len(companies)} companies have no rate for JKK" in each for each in said)
    assert not any("minimum wage" in each for each in case.remarks(RATES, {"as_of": on, "wage": "3000000"}))


@pytest.mark.parametrize("form", Form)
async def test_http_says_the_same_beside_the_rows_and_nothing_of_companies_that_are_not_the_keys(
    case: Case, form: Form
) -> None:
    on = day_text(case.book.latest)
    whole = case.remarks(RATES, {"as_of": on, "month": "2025-04"})
    door = HttpDoor(book=BookAnswers(case.settings))
    registered = {row[0]: case.book.registered(row[0]) for row in case.ask(RATES, {"as_of": on})[0]}
    own = [next(each for each, company in registered.items() if company.kbli is None)]

    async def noted(path: str, **key: Any) -> list[str]:
        async with door.client(door.keys.add(READER, **key)) as client:
            answer = await client.get(f"/v1/questions/{path}as_of={on}&format={form}")
        assert answer.status_code == 200
        return list(json.loads(answer.headers.get("peserta-notes", "[]")))

    assert await noted("contributions?month=2025-04&") == [*whole]
    of_own = await noted("contributions?month=2025-04&", companies=own)
    assert "companies without a KBLI number: 1 of 1 companies have no rate for JKK" in " ".join(of_own)
    regency = registered[own[0]].regency
    assert not any(
        name in " ".join(of_own) for name in {each.regency or "-" for each in registered.values()} - {regency}
    )
    assert await noted("contributions?month=2025-04&", companies=["C99"]) == []
    assert await noted("coverage?") == []


def test_rates_that_are_missing_are_said(case: Case) -> None:
    said = case.remarks(RATES, {"as_of": day_text(case.book.latest), "month": "2015-06"})

    assert "No rate of 2015-06 is known for JKK, risk group I, III." in said
    assert "No rate of 2015-06 is known for JKM." in said


def test_the_largest_rates_are_asked_with(case: Case) -> None:
    """All of them are a parameter of the query."""
    rows, _ = case.ask(RATES, ON)
    wanted, rates = request(case.settings, "contributions", ON), read_rates(case.file)
    large = replace(rates, wages=(*(MinimumWage(f"{number:064d}", 2025, 1) for number in range(1120)), *rates.wages))
    text = rates_text(large)
    assert TEXT_BYTES_MAX * 0.95 < len(text.encode()) < TEXT_BYTES_MAX

    found = answer(case.settings, replace(wanted, values={**wanted.values, "rates": text}))

    assert [tuple(row) for row in found.rows] == rows


# ---------------------------------------------------------------- the command


def run(case: Case, *arguments: str) -> Result:
    environment = {name: value for name, value in case.settings.environment().items() if value}
    given = ("ask", "contributions", *(f"--{name.replace('_', '-')}={value}" for name, value in ON.items()))
    return CliRunner().invoke(app, [*given, *arguments], env=environment)


def test_the_command_reckons_with_another_file_and_says_what_is_missing(case: Case, tmp_path: Path) -> None:
    other = RATES | {"rates": [rate("JKK", "III", "2015-07", 10_000), rate("JKM", None, "2015-07", 1)], "reliefs": []}
    (tmp_path / "other.yaml").write_text(rates_yaml(other), encoding="utf-8")
    case.ask(RATES, ON)

    done = run(case, "--rates", str(tmp_path / "other.yaml"), "--format", "json")

    wanted = contributions_of(other, case.book, ON | {"wage": ""})
    assert [tuple(row.values()) for row in json.loads(done.stdout)] == wanted
    assert "Note: No minimum wage of 2025 is known for Batam: the one of 2024 is reckoned with." in done.stderr
    assert "Note: No rate of 2025-04 is known for JKK, risk group I." in done.stderr
    assert "Note" not in run(case, "--sql").stdout


def test_a_wrong_file_is_named(case: Case, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("rates: 1\n", encoding="utf-8")

    done = run(case, "--rates", str(tmp_path / "wrong.yaml"))

    assert isinstance(done.exception, Rejected)
    assert "wrong.yaml, line 1: rates: must be a list" in str(done.exception)
