"""Who may import whom, and the other rules that hold for every file, read from the code itself.

A rule is a function: path and text of a file -> what it does wrong, a sentence each. Every rule is shown to find
what it is for, on samples further down.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

TOP: Final = Path(__file__).parents[2]
MODULE_LINES_MAX: Final = 300
TEST_MODULE_LINES_MAX: Final = 450  # a table of cases may be long
FUNCTION_LINES_MAX: Final = 60

ROOMS: Final = ("schemas", "streams", "sinks", "deploy", "peserta", "tests")

# Folder -> the rooms that it may import from; the longest folder that fits a path is the one that holds.
SERVICE: Final = ("schemas", "streams", "sinks", "deploy")
BELOW_FACES: Final = (*SERVICE, "peserta.settings", "peserta.operations", "peserta.intake")
OWN: Final = {
    "schemas": ("schemas",),
    "streams": ("schemas", "streams"),
    "streams/core": ("schemas", "streams.core"),
    "streams/lane": ("streams.lane",),
    "sinks": ("schemas", "sinks"),
    "deploy": ("deploy",),
    "peserta": (*BELOW_FACES, "peserta.cli"),
    "peserta/operations": (*SERVICE, "peserta.settings", "peserta.operations"),
    "peserta/intake": BELOW_FACES,
    "peserta/demo": (*BELOW_FACES, "peserta.demo"),
    "peserta/cli": (*BELOW_FACES, "peserta.demo", "peserta.cli"),
    "tests": ROOMS,
}
# Folder -> the libraries that it may import; where nothing is said, any.
LIBRARIES: Final[dict[str, tuple[str, ...]]] = {
    "schemas": ("fastavro",),
    "streams/core": (),
    "streams/lane": ("faust", "aiokafka", "rocksdict", "yarl"),
}
BELOW_A_FACE: Final = ("peserta/operations", "peserta/intake", "peserta/demo")
# Library -> the only folders that may import it: one door each.
DOORS: Final = {
    "fastavro": ("schemas", "tests"),
    "faust": ("streams/lane", "tests"),
    "rocksdict": ("streams/lane", "tests"),
    "aiokafka": ("streams", "sinks", "deploy/embedded", *BELOW_A_FACE, "tests"),
    "clickhouse_connect": ("sinks", *BELOW_A_FACE, "tests"),
    "typer": ("peserta/cli", "tests"),
    "rich": ("peserta/cli", "deploy/embedded", "tests"),
    "chdb": ("deploy/embedded", "tests"),
}
# A face translates arguments, requests or pages into calls, and results back.
FACES: Final = ("peserta/cli", "peserta/api", "peserta/console")
SQL: Final = re.compile(
    r"\bSELECT\b.+\bFROM\b|\bINSERT\s+INTO\b|\b(?:CREATE|ALTER|DROP|TRUNCATE)\s+(?:TABLE|VIEW|DATABASE)\b", re.DOTALL
)
# What a pure fold cannot have: the clock, chance, the environment, the outside.
IMPURE: Final = frozenset(("asyncio", "os", "random", "secrets", "socket", "subprocess", "threading", "time", "uuid"))
CLOCKS: Final = frozenset(f"{name}.{read}" for name in ("date", "datetime") for read in ("now", "today", "utcnow"))
# Called when a module is imported, these read or start something.
AT_IMPORT: Final = frozenset(
    ("open", "getenv", "connect", "start", "run", "Popen", "socket", "get_client", "read_text", "read_bytes", "mkdir")
) | {"write_text", "read_settings", "Settings", "basicConfig", "Thread"}
CATCH_ALL: Final = frozenset(("Exception", "BaseException"))
BANNED_NAMES: Final = frozenset(
    ("utils", "util", "helpers", "helper", "common", "misc", "manager", "base", "processor", "data")
)
# With brackets in the middle, so that this file does not hold them itself.
FORBIDDEN_TEXT: Final = re.compile(
    r"/(?:hom[e]|User[s]|roo[t])/\w|\bpypi[.]org|pythonhosted[.]org|repo1?[.]maven|maven[2]/|npmjs[.](?:org|com)"
    r"|(?:docker|ghcr|quay|gcr)[.]io\b|index-ur[l]\s*="
)

LONG_MODULES: Final = {
    "streams/core/reference_rules.py": "the fields of two files, one table each, and what reads them",
}
LONG_FUNCTIONS: Final[dict[str, str]] = {}
WITHOUT_DOCSTRING: Final[dict[str, str]] = {}

Rule = Callable[[str, str], Iterator[str]]


# ---------------------------------------------------------------- rules


@cache
def tree_of(text: str) -> ast.Module:
    """Parsed once for all rules."""
    return ast.parse(text)


def _folder(path: str, table: "dict[str, tuple[str, ...]]") -> str | None:
    """The longest folder of a table that the path lies in."""
    fitting = [folder for folder in table if path.startswith(f"{folder}/")]
    return max(fitting, key=len, default=None)


def _within(name: str, places: tuple[str, ...], sign: str) -> bool:
    return any(name == place or name.startswith(place + sign) for place in places)


def imported(text: str) -> Iterator[str]:
    """The modules that a text imports, wherever in it; relative imports begin with dots."""
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" if module in ROOMS else module for alias in node.names)


def imports_its_rooms(path: str, text: str) -> Iterator[str]:
    """Only the rooms below, by their whole names."""
    allowed = OWN[_folder(path, OWN) or "tests"]
    for module in imported(text):
        if module.startswith("."):
            yield f"imports {module}: write the whole name"
        elif module.split(".")[0] in ROOMS and not _within(module, allowed, "."):
            yield f"imports {module}"


def leaves_unit_tests_alone(path: str, text: str) -> Iterator[str]:
    """What several tests share is in `tests/support`; a unit test is read with its own folder."""
    if not path.startswith("tests/unit/"):
        yield from (f"imports {module}" for module in imported(text) if _within(module, ("tests.unit",), "."))


def imports_its_libraries(path: str, text: str) -> Iterator[str]:
    """Only the libraries that the folder may have, and each library through its door."""
    folder = _folder(path, LIBRARIES)
    for module in imported(text):
        name = module.split(".")[0]
        if not name or name in ROOMS or name in sys.stdlib_module_names:
            continue
        if folder is not None and name not in LIBRARIES[folder]:
            yield f"imports {module}"
        elif name in DOORS and not _within(path, DOORS[name], "/"):
            yield f"imports {module}: only {', '.join(DOORS[name])} may"


def is_pure(path: str, text: str) -> Iterator[str]:
    """The book takes time, ids and chance as arguments."""
    if not path.startswith("streams/core/"):
        return
    yield from (f"imports {module}" for module in imported(text) if module.split(".")[0] in IMPURE)
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in CLOCKS:
            yield f"reads the clock: {ast.unparse(node)}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("open", "print", "input"):
            yield f"reaches outside: {ast.unparse(node.func)}"


def _docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of texts that describe and do nothing: the first, and any other that stands alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def a_face_only_translates(path: str, text: str) -> Iterator[str]:
    """A face knows no other face, and puts no question to ClickHouse itself."""
    face = next((face for face in FACES if path.startswith(f"{face}/")), None)
    if face is None:
        return
    others = tuple(other.replace("/", ".") for other in FACES if other != face)
    yield from (f"imports {module}: another face" for module in imported(text) if _within(module, others, "."))
    tree = ast.parse(text)
    described = set(_docstrings(tree))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in described:
            continue
        if SQL.search(node.value):
            yield f"line {node.lineno}: holds SQL"


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that run when the module is imported."""
    yield node
    for child in ast.iter_child_nodes(node):
        body_runs = not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if body_runs or child in getattr(node, "decorator_list", ()) or isinstance(child, ast.arguments):
            yield from _at_import(child)


def starts_nothing_at_import(path: str, text: str) -> Iterator[str]:
    """Importing a module connects nothing, opens nothing and reads no environment."""
    if path.startswith("tests/"):
        return
    for statement in tree_of(text).body:
        if isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test):
            continue
        for node in _at_import(statement):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "os.environ":
                yield "reads the environment when it is imported"
            elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in AT_IMPORT:
                yield f"calls {ast.unparse(node.func)} when it is imported"


def swallows_nothing(path: str, text: str) -> Iterator[str]:
    """Who catches everything raises it again; nothing catches without saying what."""
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.ExceptHandler):
            caught = [] if node.type is None else re.findall(r"\w+", ast.unparse(node.type))
            again = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            if not caught or (CATCH_ALL.intersection(caught) and not again):
                yield f"line {node.lineno}: catches everything"
        elif isinstance(node, ast.Call) and re.fullmatch(r"(\w+\.)?suppress", ast.unparse(node.func)):
            yield from (f"line {node.lineno}: suppresses everything" for a in node.args if ast.unparse(a) in CATCH_ALL)


def sleeps_nowhere(path: str, text: str) -> Iterator[str]:
    """A test waits for a condition with a limit."""
    if path.startswith("tests/"):
        tree = tree_of(text)
        names = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
                 and node.module == "time" for alias in node.names if alias.name == "sleep"}  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", *names}:
                yield f"line {node.lineno}: sleeps"


def says_what_it_is(path: str, text: str) -> Iterator[str]:
    """A module is described by its docstring; only folders of tests need no words."""
    empty_folder_of_tests = path.startswith("tests/") and path.endswith("/__init__.py") and not text.strip()
    if not empty_folder_of_tests and path not in WITHOUT_DOCSTRING and not ast.get_docstring(tree_of(text)):
        yield "has no docstring"


def is_short(path: str, text: str) -> Iterator[str]:
    """What grows past the limits holds two ideas."""
    lines = text.count("\n")
    most = TEST_MODULE_LINES_MAX if path.startswith("tests/") else MODULE_LINES_MAX
    if lines > most and path not in LONG_MODULES:
        yield f"has {lines} lines"
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > FUNCTION_LINES_MAX and f"{path}:{node.name}" not in LONG_FUNCTIONS:
                yield f"{node.name} has {length} lines"


def has_a_name_that_says_something(path: str, text: str) -> Iterator[str]:
    yield from (f"{part} is no name" for part in Path(path).with_suffix("").parts if part.lower() in BANNED_NAMES)


def stands_by_itself(path: str, text: str) -> Iterator[str]:
    """No file depends on one machine's folders or one network's hosts."""
    yield from (f"has {match[0]!r} in it" for match in FORBIDDEN_TEXT.finditer(text))


RULES_OF_CODE: Final[tuple[Rule, ...]] = (
    imports_its_rooms,
    leaves_unit_tests_alone,
    imports_its_libraries,
    a_face_only_translates,
    is_pure,
    starts_nothing_at_import,
    swallows_nothing,
    sleeps_nowhere,
    says_what_it_is,
    is_short,
    has_a_name_that_says_something,
)


# ---------------------------------------------------------------- the code


def files() -> list[str]:
    """Every file of the project, also one that is not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=TOP, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return sorted({path for path in listed.stdout.splitlines() if (TOP / path).is_file()})


@cache
def texts(suffix: str = "") -> list[tuple[str, str]]:
    """(path, text) of each file that ends so; what is not UTF-8 is shown with marks."""
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
    assert {path.split("/")[0] for path in paths if path.endswith("/__init__.py")} == set(ROOMS)
    exceptions = [*LONG_MODULES, *WITHOUT_DOCSTRING, *(name.split(":")[0] for name in LONG_FUNCTIONS)]
    assert set(exceptions) <= paths


def test_rooms_know_each_other_in_one_direction() -> None:
    for folder, rooms in OWN.items():
        assert any(room.startswith("peserta") for room in rooms) == (folder.startswith("peserta") or folder == "tests")
        assert ("peserta.cli" in rooms) == (folder in ("peserta", "peserta/cli"))
        assert ("sinks" in rooms) == (folder.startswith("peserta") or folder in ("sinks", "tests"))
        assert ("tests" in rooms) == (folder == "tests")


# ---------------------------------------------------------------- the rules find what they are for

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
    ("a command imports tests", imports_its_rooms, "peserta/cli/a.py", "from tests.support.facts import hire"),
    ("chaos borrows from a unit test", leaves_unit_tests_alone, "tests/chaos/a.py", "from tests.unit.a import book"),
    ("by way of its room", leaves_unit_tests_alone, "tests/support/a.py", "from tests import unit"),
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
    ("somebody's folder", stands_by_itself, "README.md", "cd /hom" + "e/ani/peserta"),
    ("a registry", stands_by_itself, "requirements.lock", "--index" + "-url=https://a.example/simple"),
    ("a registry's host", stands_by_itself, "deploy/Dockerfile", "FROM quay" + ".io/a/b:1"),
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
