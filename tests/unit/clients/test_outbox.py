"""The outbox sends facts if and only if their transaction is committed, whatever process is killed in between."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from peserta_client import Published, Publisher, RetryPolicy, Unavailable, read_fact
from peserta_client.facts import Fact
from peserta_client.outbox import SENT_AT_ONCE_MAX, Outbox
from schemas.fact_json import line_of
from tests.support.door_transport import BlockingDoor, served
from tests.support.facts import hire
from tests.support.http_door import HttpDoor
from tests.support.payroll import WORKERS

OUTBOX: Final = Outbox()
LIMIT_S: Final = 120
KILLS_MIN: Final = 10
TOP: Final = Path(__file__).parents[3]
SOURCES: Final = TOP / "clients/python/src"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "payroll.db")
    OUTBOX.make_table(connection)
    yield connection
    connection.close()


def fact(event_id: str, company: str = "C1") -> Fact:
    return read_fact(line_of(hire(event_id, "2025-09-01", company=company)))


def publisher(door: HttpDoor, key: str = "") -> Publisher:
    return Publisher(
        "http://door",
        key or door.secret,
        transport=BlockingDoor(door.app),
        retry=RetryPolicy(attempts=2),
        pause=lambda _: None,
    )


def event_ids(door: HttpDoor) -> list[str]:
    return [fact.event_id for fact in door.log.sent]


def waiting(database: sqlite3.Connection) -> int:
    number: int = database.execute("SELECT count(*) FROM peserta_outbox").fetchone()[0]
    return number


def test_what_was_committed_is_sent_once_and_in_order(database: sqlite3.Connection) -> None:
    door, number = HttpDoor(), SENT_AT_ONCE_MAX + 1
    OUTBOX.add(database, [fact("rolled-back")])
    database.rollback()
    OUTBOX.add(database, (fact(f"e{index}") for index in range(number)))
    database.commit()
    assert OUTBOX.send(database, publisher(door)) == Published(number)
    assert OUTBOX.send(database, publisher(door)) == Published()
    assert (event_ids(door), waiting(database)) == ([f"e{index}" for index in range(number)], 0)


def test_what_the_door_did_not_take_waits(database: sqlite3.Connection) -> None:
    door = HttpDoor()
    OUTBOX.add(database, [fact("e1"), fact("e2")])
    database.commit()
    door.log.silent = True
    with pytest.raises(Unavailable):
        OUTBOX.send(database, publisher(door))
    assert waiting(database) == 2 and not database.in_transaction
    door.log.silent = False
    assert OUTBOX.send(database, publisher(door)) == Published(2)
    assert set(event_ids(door)) == {"e1", "e2"}


def test_what_is_refused_stays_with_its_reason_and_holds_up_nothing(database: sqlite3.Connection) -> None:
    door = HttpDoor()
    key = door.keys.add(companies=("C1",))
    door.pass_s(0)
    OUTBOX.add(database, [fact("e1"), fact("e2", "C2"), fact("e2", "C1")])
    database.execute("INSERT INTO peserta_outbox (fact) VALUES ('{}')")
    database.commit()
    published = OUTBOX.send(database, publisher(door, key))
    assert (published.accepted, event_ids(door)) == (2, ["e1", "e2"])
    assert OUTBOX.send(database, publisher(door, key)) == Published()
    refused = OUTBOX.refused(database)
    assert [(one.position, one.reason) for one in refused] == [(2, "not_allowed"), (4, "invalid_field")]
    assert refused[0].line == fact("e2", "C2").to_json() and refused[0].message


def test_a_payroll_system_that_is_killed_at_each_of_its_steps_reports_what_it_committed(tmp_path: Path) -> None:
    door, path = HttpDoor(), tmp_path / "payroll.db"
    with served(door) as url:
        run = subprocess.run(
            [sys.executable, "-m", "tests.support.payroll", str(path), url, door.secret],
            cwd=TOP, env={**os.environ, "PYTHONPATH": str(SOURCES)},
            capture_output=True, text=True, check=True, timeout=LIMIT_S,
        )  # fmt: skip
    database = sqlite3.connect(path)
    committed = {event_id for (event_id,) in database.execute("SELECT event_id FROM worker")}
    assert committed == {f"e{number}" for number in range(WORKERS)}
    assert set(event_ids(door)) == committed
    assert len(set(door.log.sent)) == WORKERS  # every repeat of a fact was the same fact
    assert len(door.log.sent) > WORKERS  # a process died between an answer and its commit
    assert waiting(database) == 0 and int(run.stdout) > KILLS_MIN
    database.close()
