"""What may be given for the parameters of a question. No ClickHouse is asked: every date is given."""

import pytest

from peserta.operations.failure import Rejected, Unavailable
from peserta.operations.questions import request, sql_of
from peserta.operations.rates import rates_text
from peserta.operations.rates_file import read_rates
from peserta.settings import Settings, read_settings

ON = {"as_of": "2025-09-01"}
PERIOD = {"from": "2025-09-01", "to": "2025-09-30"}


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("PESERTA_CLICKHOUSE_URL", raising=False)
    return read_settings()


def test_what_is_not_given_has_its_default(nowhere: Settings) -> None:
    assert request(nowhere, "trend", PERIOD).values == {
        "by": "none", **PERIOD, "known_at": "2199-12-31T23:59:59.999Z"
    }  # fmt: skip
    assert request(nowhere, "to_enroll", ON).values["company"] == ""
    assert request(nowhere, "moves", ON | PERIOD).values["within_days"] == "60"


def test_the_month_of_contributions_is_that_of_as_of(nowhere: Settings) -> None:
    values = request(nowhere, "contributions", {"as_of": "2025-09-30"}).values
    assert (values["month"], values["wage"]) == ("2025-09", "")
    assert request(nowhere, "contributions", ON | {"month": "2026-01", "wage": "3000000"}).values["month"] == "2026-01"


def test_rates_are_those_of_the_installation(nowhere: Settings) -> None:
    assert request(nowhere, "contributions", ON).values["rates"] == rates_text(read_rates(None))


def test_an_instant_is_handed_on_in_utc(nowhere: Settings) -> None:
    given = ON | {"known_at": "2025-09-02T00:00:00+07:00"}
    assert request(nowhere, "coverage", given).values["known_at"] == "2025-09-01T17:00:00.000Z"


def test_the_latest_date_is_asked_of_clickhouse(nowhere: Settings) -> None:
    with pytest.raises(Unavailable):
        request(nowhere, "coverage", {})


def test_a_flag_asks_the_question_that_it_stands_for(nowhere: Settings) -> None:
    assert request(nowhere, "overdue", ON | {"workers": "yes"}).question.name == "overdue_workers"
    plain = request(nowhere, "overdue", ON | {"workers": "no"})
    assert (plain.question.name, set(plain.values)) == ("overdue", {"as_of", "known_at", "company"})


def test_a_question_of_one_day_is_one(nowhere: Settings) -> None:
    assert request(nowhere, "refused", {"from": "2025-09-01", "to": "2025-09-01"}).values["to"] == "2025-09-01"


REFUSED = [
    pytest.param("covrage", {}, "'covrage' is no question; the nearest is coverage", id="an unknown question"),
    pytest.param("xyz", {}, "'xyz' is no question[.]", id="an unknown question that is near none"),
    pytest.param("coverage", {"asof": "2025-09-01"}, "no parameter 'asof'; the nearest is as_of", id="a parameter"),
    pytest.param("movement", {"from": "2025-09-01"}, "movement needs to", id="a missing parameter"),
    pytest.param("coverage", {"as_of": "2025-02-30"}, "as_of: '2025-02-30'", id="a date that does not exist"),
    pytest.param("coverage", {"as_of": "20250901"}, "as_of: '20250901': a date is written", id="a date without dashes"),
    pytest.param("coverage", ON | {"known_at": "2025-09-01T00:00:00"}, "known_at", id="an instant without an offset"),
    pytest.param("movement", {"from": "2025-09-02", "to": "2025-09-01"}, "is after to", id="a period backwards"),
    pytest.param("trend", PERIOD | {"by": "region"}, "one of none, regency.*nearest is regency", id="an unknown word"),
    pytest.param("moves", ON | PERIOD | {"within_days": "-1"}, "within_days: '-1'", id="a negative number"),
    pytest.param("moves", ON | PERIOD | {"within_days": "²"}, "a whole number", id="a digit of another script"),
    pytest.param("contributions", ON | {"rates": "/etc/passwd"}, "no parameter 'rates'", id="rates of a caller"),
    pytest.param("contributions", ON | {"month": "2025-13"}, "month: '2025-13'.*YYYY-MM", id="a month that is none"),
    pytest.param("contributions", ON | {"wage": "2.5"}, "wage: '2.5': a whole number", id="a wage with a fraction"),
    pytest.param("contributions", ON | {"wage": "1000000001"}, "to 1000000000", id="a wage beyond the largest"),
    pytest.param("overdue", ON | {"workers": "perhaps"}, "yes or no", id="a flag that is neither"),
    pytest.param("gaps", {"policy": "x" * 65}, "at most 64", id="a text longer than any id"),
]


@pytest.mark.parametrize(("name", "given", "says"), REFUSED)
def test_what_is_refused(nowhere: Settings, name: str, given: dict[str, str], says: str) -> None:
    with pytest.raises(Rejected, match=says):
        request(nowhere, name, given)


def test_the_sql_has_its_values_and_quotes_them(nowhere: Settings) -> None:
    said = sql_of(request(nowhere, "gaps", {"policy": "a'b\\"}))
    assert said.startswith("SET param_policy = 'a\\'b\\\\';\n-- Gaps under a policy\n")
    assert said.endswith(";\n")
