"""The rules of tests.unit.architecture hold for every file of the project, and each rule detects its violations."""

import subprocess
from functools import cache
from typing import Final

import pytest

from tests.unit.architecture import (
    CLIENTS,
    FUNCTION_LINES_MAX,
    LONG_FUNCTIONS,
    LONG_MODULES,
    MODULE_LINES_MAX,
    OWN,
    ROOMS,
    RULES_OF_CODE,
    TEST_MODULE_LINES_MAX,
    TOP,
    WITHOUT_DOCSTRING,
    Rule,
    a_face_only_translates,
    connects_as_the_access_says,
    has_a_name_that_says_something,
    imports_its_libraries,
    imports_its_rooms,
    is_pure,
    is_short,
    leaves_unit_tests_alone,
    says_what_it_is,
    sleeps_nowhere,
    stands_by_itself,
    starts_nothing_at_import,
    swallows_nothing,
)

# ---------------------------------------------------------------- the code


def files() -> list[str]:
    """Every file of the project, including files that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=TOP, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return sorted({path for path in listed.stdout.splitlines() if (TOP / path).is_file()})


@cache
def texts(suffix: str = "") -> list[tuple[str, str]]:
    """(path, text) of each file whose name ends so. Bytes that are not UTF-8 become replacement characters."""
    paths = (path for path in files() if path.endswith(suffix))
    return [(path, (TOP / path).read_text(encoding="utf-8", errors="replace")) for path in paths]


@pytest.mark.parametrize("rule", RULES_OF_CODE, ids=lambda rule: rule.__name__)
def test_all_code(rule: Rule) -> None:
    found = [f"{path}: {wrong}" for path, text in texts(".py") for wrong in rule(path, text)]
    assert found == []


def test_all_texts_stand_by_themselves() -> None:
    assert [f"{path}: {wrong}" for path, text in texts() for wrong in stands_by_itself(path, text)] == []


def test_the_code_is_there_and_every_exception_is_still_one_of_its_files() -> None:
    paths = set(files())
    assert {path.split("/")[0] for path in paths if path.endswith("/__init__.py")} == {*ROOMS, CLIENTS}
    exceptions = [*LONG_MODULES, *WITHOUT_DOCSTRING, *(name.split(":")[0] for name in LONG_FUNCTIONS)]
    assert set(exceptions) <= paths


def test_rooms_know_each_other_in_one_direction() -> None:
    for folder, rooms in OWN.items():
        assert any(room.startswith("peserta") for room in rooms) == (folder.startswith("peserta") or folder == "tests")
        assert ("peserta.cli" in rooms) == (folder in ("peserta", "peserta/cli"))
        assert ("peserta.api" in rooms) == (folder in ("peserta", "peserta/api"))
        assert ("sinks" in rooms) == (folder.startswith("peserta") or folder in ("sinks", "tests"))
        assert ("tests" in rooms) == (folder == "tests")


# ---------------------------------------------------------------- the rules detect violations

DOC: Final = '"""A sample."""\n'
LONG: Final = "\n".join(["def f():", *["    a = 1"] * FUNCTION_LINES_MAX, ""])

BREACHES: Final[tuple[tuple[str, Rule, str, str], ...]] = (
    ("the vocabulary imports the book", imports_its_rooms, "schemas/a.py", "import streams.core.book"),
    ("the book imports its workers", imports_its_rooms, "streams/core/a.py", "from streams.settings import WALL"),
    ("the book imports by way of its room", imports_its_rooms, "streams/core/a.py", "from streams import settings"),
    ("the lane imports the book", imports_its_rooms, "streams/lane/a.py", "from streams.core.book import Book"),
    ("the lane imports the vocabulary", imports_its_rooms, "streams/lane/a.py", "import schemas.records"),
    (
        "a worker imports the sink",
        imports_its_rooms,
        "streams/a.py",
        "from sinks.clickhouse.settings import SinkSettings",
    ),
    (
        "a worker imports deploy in a function",
        imports_its_rooms,
        "streams/a.py",
        "def f():\n    import peserta.cli.main",
    ),
    ("the sink imports the workers", imports_its_rooms, "sinks/a.py", "from streams.settings import WALL"),
    ("the sink imports settings of an installation", imports_its_rooms, "sinks/a.py", "import peserta.settings"),
    ("a question imports operations", imports_its_rooms, "sinks/questions/a.py", "import peserta.operations.failure"),
    ("a question imports a client", imports_its_libraries, "sinks/questions/a.py", "import clickhouse_connect"),
    ("a command imports tests", imports_its_rooms, "peserta/cli/a.py", "from tests.support.facts import hire"),
    ("chaos borrows from a unit test", leaves_unit_tests_alone, "tests/chaos/a.py", "from tests.unit.a import book"),
    ("by way of its room", leaves_unit_tests_alone, "tests/support/a.py", "from tests import unit"),
    ("the command line imports HTTP", imports_its_rooms, "peserta/cli/a.py", "from peserta.api.app import make_app"),
    ("an operation imports a face", imports_its_rooms, "peserta/operations/a.py", "import peserta.api.app"),
    ("HTTP below the faces", imports_its_libraries, "peserta/intake/a.py", "import fastapi"),
    ("an import without its whole name", imports_its_rooms, "peserta/cli/a.py", "from . import main"),
    ("the vocabulary imports Kafka", imports_its_libraries, "schemas/a.py", "import aiokafka"),
    ("the book imports a library", imports_its_libraries, "streams/core/a.py", "import pydantic"),
    ("the lane imports a further library", imports_its_libraries, "streams/lane/a.py", "import tenacity"),
    ("Avro beside the codec", imports_its_libraries, "streams/recorder.py", "from fastavro import schemaless_reader"),
    ("Faust beside the lane", imports_its_libraries, "streams/workers.py", "import faust"),
    ("ClickHouse in a worker", imports_its_libraries, "streams/a.py", "import clickhouse_connect.driver"),
    ("ClickHouse's engine in the sink", imports_its_libraries, "sinks/a.py", "import chdb"),
    ("a command reads Kafka", imports_its_libraries, "peserta/cli/a.py", "from aiokafka.errors import KafkaError"),
    ("a command opens ClickHouse", imports_its_libraries, "peserta/cli/a.py", "import clickhouse_connect"),
    ("a request reads Kafka", imports_its_libraries, "peserta/api/a.py", "def f():\n    import aiokafka"),
    ("an operation knows arguments", imports_its_libraries, "peserta/operations/a.py", "import typer"),
    ("an operation draws a screen", imports_its_libraries, "peserta/operations/a.py", "from rich.table import Table"),
    ("a way in draws a screen", imports_its_libraries, "peserta/intake/a.py", "import rich"),
    ("settings know arguments", imports_its_libraries, "peserta/settings.py", "import typer"),
    ("a command calls a request", a_face_only_translates, "peserta/cli/a.py", "import peserta.api.routes"),
    ("a page calls a command", a_face_only_translates, "peserta/console/a.py", "from peserta.cli.ask import sql"),
    ("a request by way of its room", a_face_only_translates, "peserta/api/a.py", "from peserta import console"),
    ("a command holds a query", a_face_only_translates, "peserta/cli/a.py", "Q = 'SELECT 1\\nFROM journal'"),
    ("a page assembles a query", a_face_only_translates, "peserta/console/a.py", "q = f'SELECT * FROM {view}'"),
    ("a command changes a table", a_face_only_translates, "peserta/cli/a.py", "run('ALTER TABLE journal DELETE')"),
    ("the book imports the clock", is_pure, "streams/core/a.py", "from time import time"),
    ("the book imports chance", is_pure, "streams/core/a.py", "import random"),
    ("the book makes ids", is_pure, "streams/core/a.py", "import uuid"),
    ("the book reads the environment", is_pure, "streams/core/a.py", "import os\nos.environ['A']"),
    ("the book asks for the time", is_pure, "streams/core/a.py", "def f():\n    return datetime.now(UTC)"),
    ("the book asks for the date", is_pure, "streams/core/a.py", "today = datetime.date.today"),
    ("the book opens a file", is_pure, "streams/core/a.py", "def f():\n    open('a')"),
    ("the environment at import", starts_nothing_at_import, "deploy/a.py", "HOME = os.environ.get('HOME')"),
    ("a file at import", starts_nothing_at_import, "deploy/a.py", "TEXT = Path('a').read_text()"),
    ("a connection at import", starts_nothing_at_import, "sinks/a.py", "class A:\n    c = get_client()"),
    ("settings at import, as a default", starts_nothing_at_import, "deploy/a.py", "def f(s=read_settings()): ..."),
    ("a process at import", starts_nothing_at_import, "deploy/a.py", "if True:\n    subprocess.run(['a'])"),
    ("a bare except", swallows_nothing, "deploy/a.py", "try:\n    f()\nexcept:\n    raise"),
    ("everything passed over", swallows_nothing, "deploy/a.py", "try:\n    f()\nexcept Exception:\n    pass"),
    ("everything logged", swallows_nothing, "sinks/a.py", "try:\n    f()\nexcept (A, Exception) as e:\n    log(e)"),
    ("everything suppressed", swallows_nothing, "tests/a.py", "with contextlib.suppress(Exception):\n    f()"),
    ("a test that sleeps", sleeps_nowhere, "tests/a.py", "import time\ntime.sleep(1)"),
    ("a test that sleeps by another name", sleeps_nowhere, "tests/a.py", "from time import sleep as s\ns(1)"),
    ("a module without words", says_what_it_is, "deploy/a.py", "A = 1"),
    ("a room without words", says_what_it_is, "sinks/a/__init__.py", ""),
    ("a long module", is_short, "deploy/a.py", "a = 1\n" * (MODULE_LINES_MAX + 1)),
    ("a long test", is_short, "tests/a.py", "a = 1\n" * (TEST_MODULE_LINES_MAX + 1)),
    ("a long function", is_short, "deploy/a.py", LONG),
    ("a file for everything", has_a_name_that_says_something, "deploy/utils.py", DOC),
    ("a folder for everything", has_a_name_that_says_something, "tests/helpers/a.py", DOC),
    ("a client of its own", connects_as_the_access_says, "sinks/a.py", "AIOKafkaConsumer(bootstrap_servers=kafka)"),
    ("a client of an address", connects_as_the_access_says, "tests/a.py", "aiokafka.AIOKafkaProducer(**settings)"),
    (
        "a client that is plain all the same",
        connects_as_the_access_says,
        "deploy/a.py",
        "AIOKafkaClient(**client_options(kafka) | {}, security_protocol='PLAINTEXT')",
    ),
    ("somebody's folder", stands_by_itself, "README.md", "cd /hom" + "e/ani/peserta"),
    ("a registry", stands_by_itself, "requirements.lock", "--index" + "-url=https://a.example/simple"),
    ("a registry's host", stands_by_itself, "deploy/Dockerfile", "FROM quay" + ".io/a/b:1"),
    ("the client imports the vocabulary", imports_its_rooms, "clients/python/src/a.py", "import schemas.records"),
    ("the client imports a further library", imports_its_libraries, "clients/python/src/a.py", "import tenacity"),
    ("the service imports its client", imports_its_libraries, "peserta/intake/a.py", "import peserta_client"),
)

ALLOWED: Final[tuple[tuple[str, Rule, str, str], ...]] = (
    ("the codec may use Avro", imports_its_libraries, "schemas/codec.py", "import fastavro.types\nimport json"),
    ("the lane may use Faust", imports_its_libraries, "streams/lane/a.py", "import faust.types\nimport yarl"),
    ("the book may know the vocabulary", imports_its_rooms, "streams/core/a.py", "from schemas.records import Fact"),
    ("a unit test may know its neighbour", leaves_unit_tests_alone, "tests/unit/a.py", "from tests.unit.b import c"),
    ("a name that only begins like a room", imports_its_rooms, "sinks/a.py", "import streams_of_others"),
    (
        "a command shows a query as an example",
        a_face_only_translates,
        "peserta/cli/a.py",
        'def f():\n    """Example: peserta sql "SELECT 1 FROM journal"."""\n    return "SELECT ..."',
    ),
    ("an operation asks ClickHouse", a_face_only_translates, "peserta/operations/a.py", "Q = 'SELECT 1 FROM journal'"),
    ("a request imports its own room", a_face_only_translates, "peserta/api/a.py", "import peserta.api.routes"),
    ("a company has a today", is_pure, "streams/core/a.py", "def f(company):\n    return company.today"),
    ("the workers have a clock", is_pure, "streams/workers.py", "import time"),
    ("the environment in a function", starts_nothing_at_import, "deploy/a.py", "def f():\n    return os.environ"),
    ("a program's start", starts_nothing_at_import, "deploy/a.py", "if __name__ == '__main__':\n    run()"),
    (
        "cleaning up and going on failing",
        swallows_nothing,
        "deploy/a.py",
        "try:\n    f()\nexcept BaseException:\n    raise",
    ),
    ("one error that is known", swallows_nothing, "deploy/a.py", "try:\n    f()\nexcept OSError:\n    pass"),
    ("a pause in the service", sleeps_nowhere, "sinks/a.py", "import time\ntime.sleep(1)"),
    ("an empty folder of tests", says_what_it_is, "tests/unit/a/__init__.py", ""),
    ("a module at the limit", is_short, "deploy/a.py", "a = 1\n" * MODULE_LINES_MAX),
    ("a common word inside a name", has_a_name_that_says_something, "deploy/datafiles.py", DOC),
    (
        "an access",
        connects_as_the_access_says,
        "sinks/a.py",
        "AIOKafkaConsumer(**client_options(kafka), group_id=None)",
    ),
    ("a path of the image", stands_by_itself, "deploy/Dockerfile", "WORKDIR /var/lib/peserta"),
)


@pytest.mark.parametrize(("rule", "path", "text"), [case[1:] for case in BREACHES], ids=[case[0] for case in BREACHES])
def test_a_breach_is_found(rule: Rule, path: str, text: str) -> None:
    assert list(rule(path, text))


@pytest.mark.parametrize(("rule", "path", "text"), [case[1:] for case in ALLOWED], ids=[case[0] for case in ALLOWED])
def test_what_is_allowed_is_not_found(rule: Rule, path: str, text: str) -> None:
    assert list(rule(path, text)) == []


def test_every_rule_has_a_breach() -> None:
    assert {case[1] for case in BREACHES} == {*RULES_OF_CODE, stands_by_itself}
