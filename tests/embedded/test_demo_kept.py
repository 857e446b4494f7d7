"""`peserta demo --keep` leaves the book of the twelve companies, and `peserta up` continues with it."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.ports import free_ports
from tests.embedded.test_up import Up
from tests.support.told import objects, peserta, surroundings, without_lines
from tests.support.waiting import wait_until

SCALE = "0.05"
SAME = ("company_id", "active", "covered", "uncovered", "coverage_bp", "as_of")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "playground"


@pytest.fixture(scope="module")
def told(kept: Path) -> str:
    """The demonstration's standard output."""
    return peserta(surroundings(), "demo", "--keep", str(kept), "--scale", SCALE, "--json")


@pytest.fixture
def up(kept: Path, told: str) -> Iterator[Up]:
    kafka, clickhouse = free_ports(2)
    running = Up(kept, kafka_port=str(kafka), clickhouse_port=str(clickhouse))
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def test_up_goes_on_with_a_book_that_was_kept(up: Up, told: str, kept: Path) -> None:
    assert "Book        of history" in up.said()
    companies = without_lines(objects(told), "company")
    assert len(companies) == 12
    found = objects(peserta(up.environment, "coverage", "--json"))
    assert [{name: row[name] for name in SAME} for row in found] == [
        {name: o[name] for name in SAME} for o in companies
    ]
    alerts = without_lines(objects(told), "alert")
    assert len(objects(peserta(up.environment, "alerts", "--json"))) == len(alerts) > 0
    peserta(up.environment, "tick", "2026-01-31")
    wait_until(
        lambda: {row["as_of"] for row in objects(peserta(up.environment, "coverage", "--json"))} == {"2026-01-31"}
    )
    assert up.end(signal.SIGINT) == 0


def test_it_is_kept_in_new_folders_only(kept: Path, told: str) -> None:
    assert "not empty" in peserta(surroundings(), "demo", "--keep", str(kept), code=2)


def test_it_does_not_go_with_servers_of_somebody_else(tmp_path: Path) -> None:
    said = peserta(surroundings(kafka="127.0.0.1:1"), "demo", "--keep", str(tmp_path / "new"), code=2)
    assert "PESERTA_KAFKA" in said
    assert not (tmp_path / "new").exists()
