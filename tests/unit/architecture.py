"""The import rules and the other rules that hold for every file. They are checked on the source code.

A rule is a function from a file's path and text to its violations, a sentence each.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]
MODULE_LINES_MAX: Final = 300
TEST_MODULE_LINES_MAX: Final = 450  # a table of cases may be long
FUNCTION_LINES_MAX: Final = 60

ROOMS: Final = ("schemas", "streams", "sinks", "deploy", "peserta", "tests")
CLIENTS: Final = "clients"  # other projects install this; it imports from no room

# Folder -> the rooms that it may import from. For each path the longest matching folder applies.
SERVICE: Final = ("schemas", "streams", "sinks", "deploy")
SETTINGS: Final = ("peserta.settings", "peserta.notice_settings", "peserta.worker_settings")
BELOW_FACES: Final = (*SERVICE, *SETTINGS, "peserta.operations", "peserta.intake")
OWN: Final = {
    "schemas": ("schemas",),
    "streams": ("schemas", "streams"),
    "streams/core": ("schemas", "streams.core"),
    "streams/lane": ("streams.lane", "schemas.kafka", "schemas.secret_file"),  # connecting is independent of the book
    "sinks": ("schemas", "sinks"),
    "deploy": ("deploy",),
    "peserta": (*BELOW_FACES, "peserta.cli", "peserta.api"),
    "peserta/operations": (*SERVICE, *SETTINGS, "peserta.operations"),
    "peserta/intake": BELOW_FACES,
    "peserta/demo": (*BELOW_FACES, "peserta.demo"),
    "peserta/cli": (*BELOW_FACES, "peserta.demo", "peserta.cli", "peserta.http_server"),
    "peserta/api": (*BELOW_FACES, "peserta.api"),
    "tests": ROOMS,
    "clients/python": (),
}
# Folder -> the libraries that it may import. A folder that is not listed may import any.
LIBRARIES: Final[dict[str, tuple[str, ...]]] = {
    "schemas": ("fastavro",),
    "schemas/kafka": ("aiokafka",),
    "sinks/notices/channels": ("aiohttp", "aiosmtplib", "apprise", "yarl"),
    "sinks/notices/texts": ("babel", "jinja2"),
    "sinks/questions": (),  # texts, which run in any client
    "streams/core": (),
    "streams/lane": ("faust", "aiokafka", "rocksdict", "yarl"),
    "clients/python": ("peserta_client",),
    "clients/python/src": ("peserta_client", "httpx2", "aiokafka", "fastavro"),
}
BELOW_A_FACE: Final = ("peserta/operations", "peserta/intake", "peserta/demo")
# Library -> the only folders that may import it.
DOORS: Final = {
    "aiosmtplib": ("sinks/notices/channels", "tests"),
    "apprise": ("sinks/notices/channels", "tests"),
    "babel": ("sinks/notices/texts", "tests"),
    "jinja2": ("sinks/notices/texts", "tests"),
    "fastavro": ("schemas", "clients/python/src", "tests"),
    "peserta_client": ("clients/python", "tests"),
    "faust": ("streams/lane", "tests"),
    "rocksdict": ("streams/lane", "tests"),
    "aiokafka": ("schemas/kafka", "clients/python/src", "streams", "sinks", "deploy/embedded", *BELOW_A_FACE, "tests"),
    "clickhouse_connect": ("sinks", *BELOW_A_FACE, "tests"),
    "aiohttp": ("streams/schema_registry", "sinks/notices/channels", "tests"),
    "typer": ("peserta/cli", "tests"),
    "rich": ("peserta/cli", "deploy/embedded", "tests"),
    "chdb": ("deploy/embedded", "tests"),
    "fastapi": ("peserta/api", "tests"),
    "uvicorn": ("deploy/embedded", "peserta/http_server.py", "peserta/demo/receiver.py", "tests"),
}
# A face translates arguments, requests or pages into calls, and results back.
FACES: Final = ("peserta/cli", "peserta/api", "peserta/console")
SQL: Final = re.compile(
    r"\bSELECT\b.+\bFROM\b|\bINSERT\s+INTO\b|\b(?:CREATE|ALTER|DROP|TRUNCATE)\s+(?:TABLE|VIEW|DATABASE)\b", re.DOTALL
)
# A pure fold must not use the clock, random numbers, the environment, files or the network.
IMPURE: Final = frozenset(("asyncio", "os", "random", "secrets", "socket", "subprocess", "threading", "time", "uuid"))
CLOCKS: Final = frozenset(f"{name}.{read}" for name in ("date", "datetime") for read in ("now", "today", "utcnow"))
# These calls read or start something, so no module may make them on import.
AT_IMPORT: Final = frozenset(
    ("open", "getenv", "connect", "start", "run", "Popen", "socket", "get_client", "read_text", "read_bytes", "mkdir")
) | {"write_text", "read_settings", "Settings", "basicConfig", "Thread"}
CLIENT_OF_KAFKA: Final = re.compile(r"(\w+\.)*AIOKafka(AdminClient|Client|Consumer|Producer)")
OF_ACCESS: Final = ("bootstrap_servers", "security_protocol", "ssl_context")
CATCH_ALL: Final = frozenset(("Exception", "BaseException"))
BANNED_NAMES: Final = frozenset(
    ("utils", "util", "helpers", "helper", "common", "misc", "manager", "base", "processor", "data")
)
# The brackets keep this file itself from matching.
FORBIDDEN_TEXT: Final = re.compile(
    r"/(?:hom[e]|User[s]|roo[t])/\w|\bpypi[.]org|pythonhosted[.]org|repo1?[.]maven|maven[2]/|npmjs[.](?:org|com)"
    r"|(?:docker|ghcr|quay|gcr)[.]io\b|index-ur[l]\s*="
)

LONG_MODULES: Final = {
    "peserta/intake/sheets/sentences.py": "one table of sentences in two languages",
    "streams/core/reference_rules.py": "the fields of two files, one table each, and what reads them",
}
LONG_FUNCTIONS: Final[dict[str, str]] = {}
WITHOUT_DOCSTRING: Final[dict[str, str]] = {}

Rule = Callable[[str, str], Iterator[str]]


# ---------------------------------------------------------------- rules


@cache
def tree_of(text: str) -> ast.Module:
    """The syntax tree, parsed only once for all rules."""
    return ast.parse(text)


def _folder(path: str, table: "dict[str, tuple[str, ...]]") -> str | None:
    """The longest folder of a table that contains the path."""
    fitting = [folder for folder in table if path.startswith(f"{folder}/")]
    return max(fitting, key=len, default=None)


def _within(name: str, places: tuple[str, ...], sign: str) -> bool:
    return any(name == place or name.startswith(place + sign) for place in places)


def imported(text: str) -> Iterator[str]:
    """The modules imported anywhere in a text. Relative imports begin with dots."""
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" if module in ROOMS else module for alias in node.names)


def imports_its_rooms(path: str, text: str) -> Iterator[str]:
    """A file imports only from the rooms below its own, and by absolute names."""
    allowed = OWN[_folder(path, OWN) or "tests"]
    for module in imported(text):
        if module.startswith("."):
            yield f"imports {module}: write the whole name"
        elif module.split(".")[0] in ROOMS and not _within(module, allowed, "."):
            yield f"imports {module}"


def leaves_unit_tests_alone(path: str, text: str) -> Iterator[str]:
    """Shared test code belongs in `tests/support`. Only unit tests import from `tests/unit`."""
    if not path.startswith("tests/unit/"):
        yield from (f"imports {module}" for module in imported(text) if _within(module, ("tests.unit",), "."))


def imports_its_libraries(path: str, text: str) -> Iterator[str]:
    """A file imports only the libraries of its folder, and each library only where DOORS allows it."""
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
    """The book gets time, ids and random numbers as arguments."""
    if not path.startswith("streams/core/"):
        return
    yield from (f"imports {module}" for module in imported(text) if module.split(".")[0] in IMPURE)
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in CLOCKS:
            yield f"reads the clock: {ast.unparse(node)}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("open", "print", "input"):
            yield f"reaches outside: {ast.unparse(node.func)}"


def _docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of constants that are statements of their own: docstrings, and texts below attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def a_face_only_translates(path: str, text: str) -> Iterator[str]:
    """A face imports no other face and contains no SQL."""
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
    """Importing a module opens no connection and no file, and reads no environment variable."""
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
    """A handler names its exceptions. One that catches every exception raises it again."""
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.ExceptHandler):
            caught = [] if node.type is None else re.findall(r"\w+", ast.unparse(node.type))
            again = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            if not caught or (CATCH_ALL.intersection(caught) and not again):
                yield f"line {node.lineno}: catches everything"
        elif isinstance(node, ast.Call) and re.fullmatch(r"(\w+\.)?suppress", ast.unparse(node.func)):
            yield from (f"line {node.lineno}: suppresses everything" for a in node.args if ast.unparse(a) in CATCH_ALL)


def sleeps_nowhere(path: str, text: str) -> Iterator[str]:
    """A test waits for a condition with a time limit and never sleeps."""
    if path.startswith("tests/"):
        tree = tree_of(text)
        names = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
                 and node.module == "time" for alias in node.names if alias.name == "sleep"}  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", *names}:
                yield f"line {node.lineno}: sleeps"


def says_what_it_is(path: str, text: str) -> Iterator[str]:
    """Every module has a docstring, except an empty `__init__.py` of tests."""
    empty_folder_of_tests = path.startswith("tests/") and path.endswith("/__init__.py") and not text.strip()
    if not empty_folder_of_tests and path not in WITHOUT_DOCSTRING and not ast.get_docstring(tree_of(text)):
        yield "has no docstring"


def is_short(path: str, text: str) -> Iterator[str]:
    """A module or function beyond the limits probably does two things."""
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
    """No file names folders of one machine or hosts of one network."""
    yield from (f"has {match[0]!r} in it" for match in FORBIDDEN_TEXT.finditer(text))


def connects_as_the_access_says(path: str, text: str) -> Iterator[str]:
    """Every Kafka client takes `client_options(...)` of an access. Otherwise it would connect without TLS and user."""
    if path.startswith(CLIENTS):  # the program that installs a client gives it the connection's options
        return
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not CLIENT_OF_KAFKA.fullmatch(ast.unparse(node.func)):
            continue
        spread = [ast.unparse(word.value) for word in node.keywords if word.arg is None]
        if not any("client_options" in words for words in spread):
            yield f"line {node.lineno}: {ast.unparse(node.func)} without client_options(...)"
        named = [word.arg for word in node.keywords if word.arg in OF_ACCESS]
        yield from (f"line {node.lineno}: {name} beside client_options" for name in named)


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
    connects_as_the_access_says,
)
