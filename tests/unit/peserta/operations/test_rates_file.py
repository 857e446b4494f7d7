"""A file of rates is read whole or not at all, and what is wrong in it is named by line, entry and field."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from peserta.operations import rates_file
from peserta.operations.failure import Rejected
from peserta.operations.rates import MinimumWage, Rate, Relief, RiskGroup
from peserta.operations.rates_file import read_rates
from tests.support.contribution_answers import RATES, Document, rate, rates_yaml, relief, risk_group, wage

NATIONAL_ID = "3320011505900001"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def made(text: str) -> Path:
        path = tmp_path / "rates.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return made


def test_the_file_that_ships_has_the_rates_of_footwear() -> None:
    rates = read_rates(None)

    group = rates.risk_group_of("15201")
    assert group == "III"
    assert rates.risk_group_of("14111") is None
    assert [each.employer_ppm for each in rates.rates if each.risk_group == group] == [8900]
    assert [each.employer_ppm for each in rates.rates if each.programme == "JKM"] == [3000]
    assert [(each.from_month, each.until_month) for each in rates.reliefs] == [
        ("2025-02", "2025-07"),
        ("2025-08", "2026-01"),
    ]
    assert rates.wage_year("Jepara", 2026) == 2025
    assert rates.wage_year("Demak", 2025) is None


def test_every_number_that_ships_has_a_source() -> None:
    """The reader demands one; here no two-letter excuse stands for it."""
    text = (Path(__file__).parents[4] / "deploy/rates/id.yaml").read_text(encoding="utf-8")
    sources = [line.split("source:")[1].strip(' "}') for line in text.splitlines() if "source:" in line]
    rates = read_rates(None)

    assert len(sources) == sum(map(len, (rates.rates, rates.reliefs, rates.risk_groups, rates.wages)))
    assert all(len(source) > 10 for source in sources)


def test_a_file_is_read(file: Callable[[str], Path]) -> None:
    rates = read_rates(file(rates_yaml(RATES)))

    assert rates.rates[2] == Rate("JKK", "III", "2025-04", 8901, 0, 2_000_000)
    assert rates.reliefs[1] == Relief("b", "JKM", "2025-04", "2025-05", 333_333, ("152",), 2)
    assert rates.risk_groups == (RiskGroup("15201", "III"), RiskGroup("1", "I"))
    assert rates.wages[0] == MinimumWage("Batam", 2023, 2_000_001)


def with_one(name: str, entry: dict[str, Any]) -> Document:
    return RATES | {name: [*RATES[name], entry]}


WRONG = [
    pytest.param(
        with_one("rates", rate("JMO", None, "2025-01", 1)),
        "rates: entry 6: programme: must be one of",
        id="no programme",
    ),
    pytest.param(
        with_one("rates", rate("JKK", None, "2025-01", 1)), "rates: entry 6: risk_group: is missing", id="JKK, no group"
    ),
    pytest.param(with_one("rates", rate("JKM", "I", "2025-01", 1)), "risk_group: is for JKK only", id="a group of JKM"),
    pytest.param(with_one("rates", rate("JKK", "VI", "2025-01", 1)), "risk_group: must be one of I, II", id="no group"),
    pytest.param(
        with_one("rates", rate("JKM", None, "2025-1", 1)), "from: must be a month, YYYY-MM, not '2025-1'", id="no month"
    ),
    pytest.param(
        with_one("rates", rate("JKM", None, "2025-01", 1_000_001)),
        "employer_ppm: must lie in 0 to 1000000",
        id="over all",
    ),
    pytest.param(
        with_one("rates", rate("JKM", None, "2015-07", 1)), "rates: entry 6: says the same as entry 4", id="twice"
    ),
    pytest.param(
        with_one("rates", rate("JP", None, "2025-01", 1, 0)), "wage_cap: must lie in 1 to 1000000000", id="a cap of 0"
    ),
    pytest.param(
        with_one("rates", {k: v for k, v in rate("JP", None, "2025-01", 1).items() if k != "source"}),
        "rates: entry 6: source: is missing",
        id="no source",
    ),
    pytest.param(
        with_one("rates", rate("JP", None, "2025-01", 1) | {"max": 1}), "max: is no field", id="unknown field"
    ),
    pytest.param(
        with_one("reliefs", relief("c", "JKM", "2025-05", "2025-04", 1, ["1"], 0)),
        "until: is before from",
        id="backwards",
    ),
    pytest.param(
        with_one("reliefs", relief("c", "JKK", "2025-04", "2025-06", 1, ["1520"], 0)),
        "reliefs: entry 3: can hold together with entry 1",
        id="two reliefs at a time",
    ),
    pytest.param(
        with_one("reliefs", relief("c", "JKK", "2030-01", "2030-01", 1, [], 0)),
        "kbli_prefixes: must be a list",
        id="for nobody",
    ),
    pytest.param(
        with_one("reliefs", relief('c"', "JKK", "2030-01", "2030-01", 1, ["1"], 0)),
        "must be one line without",
        id="a quote",
    ),
    pytest.param(
        with_one("risk_groups", risk_group("1", "II")),
        "risk_groups: entry 3: says the same as entry 2",
        id="a prefix twice",
    ),
    pytest.param(
        with_one("risk_groups", risk_group("15a", "II")), "kbli_prefix: must be 1 to 5 digits", id="no prefix"
    ),
    pytest.param(
        with_one("wages", wage("Batam", 2024, 1)), "wages: entry 4: says the same as entry 2", id="a wage twice"
    ),
    pytest.param(with_one("wages", wage("Batam", 25, 1)), "year: must lie in 1970 to 2199, not 25", id="no year"),
    pytest.param(with_one("wages", wage("x" * 65, 2025, 1)), "regency: must have 1 to 64 characters", id="a long name"),
    pytest.param(RATES | {"rebates": []}, "rebates: is no field; there are rates, reliefs", id="an unknown list"),
    pytest.param({"wages": RATES["wages"]}, "rates: is missing", id="no rates"),
]


@pytest.mark.parametrize(("document", "says"), WRONG)
def test_what_is_refused(file: Callable[[str], Path], document: Document, says: str) -> None:
    with pytest.raises(Rejected, match=says) as refused:
        read_rates(file(rates_yaml(document)))
    assert str(refused.value).endswith("Nothing of the file was taken.")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("- programme: JKM", "- programme: [", "line 25: is no YAML", id="no YAML"),
        pytest.param(
            "  employer_ppm: 3000",
            "  employer_ppm: 0.3",
            "line 25: rates: entry 4: employer_ppm: must be a whole",
            id="a share",
        ),
        pytest.param(
            "  employer_ppm: 3000", f"  employer_ppm: {NATIONAL_ID}", "employer_ppm: must lie in 0 to", id="an id"
        ),
    ],
)
def test_the_line_is_named(file: Callable[[str], Path], old: str, new: str, says: str) -> None:
    text = rates_yaml(RATES)
    assert old in text
    with pytest.raises(Rejected, match=says) as refused:
        read_rates(file(text.replace(old, new)))
    assert NATIONAL_ID not in str(refused.value)


def test_more_than_a_query_carries(file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates_file, "TEXT_BYTES_MAX", 200)
    with pytest.raises(Rejected, match=r"has \d+ bytes for a query, which takes 200: leave out the oldest years"):
        read_rates(file(rates_yaml(RATES)))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"none\.yaml: cannot be read \(No such file"):
        read_rates(tmp_path / "none.yaml")
