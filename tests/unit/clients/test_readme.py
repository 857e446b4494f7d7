"""The examples of the client's README: the script against the HTTP door, and the part of Django's without Django."""

import os
import re
import sqlite3
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from peserta_client import Published, Publisher
from peserta_client.tokens import make_key
from schemas.keys import READER
from schemas.vocabulary import KINDS
from tests.support.alerts import alert
from tests.support.door_transport import BlockingDoor, served
from tests.support.http_door import HttpDoor

TOP: Final = Path(__file__).parents[3]
README: Final = TOP / "clients/python/README.md"
BLOCK: Final = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
LIMIT_S: Final = 120
NIK: Final = "3175010203850001"


def blocks(language: str) -> list[str]:
    return [text for named, text in BLOCK.findall(README.read_text(encoding="utf-8")) if named == language]


def block(name: str) -> str:
    """The code block that begins with this file name."""
    (found,) = (text for text in blocks("python") if text.startswith(f"# {name}\n"))
    return found


def test_the_plain_script_reports_two_facts_and_asks_for_the_fate_of_one(tmp_path: Path) -> None:
    door = HttpDoor()
    (key_command,) = blocks("sh")
    environment = {**os.environ, "PYTHONPATH": str(TOP / "clients/python/src"), "PESERTA_KEY": door.secret}
    environment["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), environment["PATH"]))
    subprocess.run(key_command, shell=True, check=True, cwd=tmp_path, env=environment, timeout=LIMIT_S)
    (tmp_path / "report.py").write_text(block("report.py"), encoding="utf-8")
    with served(door) as url:
        run = subprocess.run(
            [sys.executable, "report.py"],
            cwd=tmp_path, env={**environment, "PESERTA_URL": url},
            capture_output=True, text=True, check=True, timeout=LIMIT_S,
        )  # fmt: skip
        asking = next(text for text in blocks("python") if "publisher.fate(" in text)
        asked = subprocess.run(
            [sys.executable, "-c", asking],
            cwd=tmp_path, env={**environment, "PESERTA_URL": url, "EVENT_ID": "e1"},
            capture_output=True, text=True, check=True, timeout=LIMIT_S,
        )  # fmt: skip
    assert run.stdout == "2 facts accepted\n"
    assert (asked.stdout, door.fates.asked) == ("unknown\n", [("NPP-1", "e1")])
    assert [KINDS[fact.kind] for fact in door.log.sent] == ["hire", "enrollment"]


def test_the_reading_script_shows_figures_and_alerts(tmp_path: Path) -> None:
    door = HttpDoor()
    door.companies.rows = [{"company_id": "C1", "name": "", "regency": "", "kbli": "", "active": 9, "covered": 7}]
    door.alert(alert("C1", offset=1), alert("C1", status="resolved", offset=2))
    environment = {**os.environ, "PYTHONPATH": str(TOP / "clients/python/src"), "PESERTA_KEY": door.keys.add(READER)}
    (tmp_path / "follow.py").write_text(block("follow.py"), encoding="utf-8")
    with served(door) as url:
        run = subprocess.Popen(
            [sys.executable, "follow.py"], cwd=tmp_path, env={**environment, "PESERTA_URL": url},
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert run.stdout is not None
        said = [next(run.stdout) for _ in range(5)]
        run.kill()
        run.communicate()
        door.app.state.streams.end()
    assert (said[0], said[1], said[3]) == (
        "C1 7 of 9\n",
        "C1 firing 7 people are missing\n",
        "C1 resolved None people are missing\n",
    )


def test_facts_of_django_go_through_the_outbox(tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec(compile(block("payroll/facts.py"), "facts.py", "exec"), names)
    door, outbox = HttpDoor(), names["outbox"]
    outbox.make_table(database := Django(tmp_path / "payroll.db"))
    outbox.add(database, [names["hire_of"](NIK, "C1", date(2025, 9, 1), make_key(tmp_path / "key"))])
    database.commit()
    assert outbox.send(database, Publisher("http://door", door.secret, transport=BlockingDoor(door.app))) == Published(
        1
    )
    assert door.log.sent[0].company_id == "C1"
    database.close()


class Django(sqlite3.Connection):
    """A SQLite connection with Django's placeholder %s for parameters."""

    def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
        """See sqlite3.Connection."""
        return super().cursor(DjangoCursor)


class DjangoCursor(sqlite3.Cursor):
    """A cursor that accepts the placeholder %s."""

    def execute(self, statement: str, parameters: Any = ()) -> "DjangoCursor":
        """See sqlite3.Cursor."""
        return super().execute(statement.replace("%s", "?"), parameters)


@pytest.mark.parametrize("number", range(8))
def test_every_example_compiles(number: int) -> None:
    compile(blocks("python")[number], "example.py", "exec")


def test_there_are_no_other_examples() -> None:
    assert len(blocks("python")) == 8
