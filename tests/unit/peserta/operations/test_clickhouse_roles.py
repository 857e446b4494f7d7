"""The statements of ClickHouse's roles, by the names of an installation."""

from pathlib import Path

import pytest

from peserta.operations.clickhouse_roles import company_role_statements, role_statements
from peserta.operations.failure import Rejected
from peserta.settings import Settings, read_settings
from sinks.clickhouse.access import FOLDER, LIMITS, ROLES


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(data_dir=tmp_path, clickhouse_database="jateng")


def test_no_statement_is_there_twice_and_every_one_names_the_book(settings: Settings) -> None:
    statements = role_statements(settings)

    assert len(statements) == len(set(statements)) > 10
    assert all(" jateng_" in statement for statement in statements)
    assert not [statement for statement in statements if "${" in statement or "--" in statement or ";" in statement]


def test_rights_to_the_tables_are_those_of_the_current_generation(settings: Settings) -> None:
    later = settings.of_generation(2)

    assert "GRANT SELECT ON jateng_g2.* TO jateng_reader" in role_statements(later)
    assert not [one for one in role_statements(settings) if "jateng_g2" in one]
    assert [one for one in role_statements(later) if "jateng_analyst" in one] == [
        one for one in role_statements(settings) if "jateng_analyst" in one
    ]


def test_an_analyst_always_comes_with_limits(settings: Settings) -> None:
    only = role_statements(settings, ["analyst"])

    assert [one.split()[1] for one in only] == ["ROLE", "SELECT", "SETTINGS", "QUOTA"]
    assert role_statements(settings, ["reader"]) == [one for one in role_statements(settings) if "jateng_reader" in one]
    assert company_role_statements(settings, "pantura", ["C1"])[: len(only)] == only


def test_a_company_that_cannot_be_one_is_refused_without_its_text(settings: Settings) -> None:
    with pytest.raises(Rejected) as refusal:
        company_role_statements(settings, "pantura", ["C1", "3374010101900001'"])

    assert "Company 2 of the list" in str(refusal.value)
    assert "3374" not in str(refusal.value)


def test_every_file_is_a_role() -> None:
    assert {file.stem for file in FOLDER.glob("*.sql")} == {*ROLES, "companies"}
    assert LIMITS in ROLES
