"""The modules that each command imports. Users wait for these imports on every call."""

import os
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

from peserta.cli.main import COMMANDS

TOP: Final = Path(__file__).parents[3]
ANSWER_LIMIT_S: Final = 60
IMPORTED: Final = "has imported"
# Runs a command, and prints the modules that it has imported after its output.
PROGRAM: Final = f"""
import sys
before = set(sys.modules)
from peserta.cli.main import main
try:
    main()
finally:
    print("{IMPORTED}", *(set(sys.modules) - before), flush=True)
"""

# The command line's own libraries, and their dependencies.
SCREEN: Final = frozenset(
    ("typer", "annotated-doc", "shellingham", "rich", "markdown-it-py", "mdurl", "pygments", "attrs")
)
# The settings need these libraries. Typer also reads arguments with pydantic.
SETTINGS: Final = frozenset(
    ("pydantic", "pydantic-core", "pydantic-settings", "annotated-types", "typing-extensions", "typing-inspection")
) | {"python-dotenv"}
# Each takes a tenth of a second or more to import, or starts something large. NEEDED lists the commands that need them.
FAUST: Final = frozenset(("faust-streaming", "mode-streaming", "rocksdict"))
AIOHTTP: Final = frozenset(("aiohttp",))
LARGE: Final = (
    FAUST | AIOHTTP | {"numpy", "pandas", "pyarrow", "chdb", "chdb-core", "jgo", "starlette", "uvicorn"} | {"fastapi"}
)
NEEDED: Final = {
    "rebuild": FAUST | AIOHTTP,  # it makes state like a book-keeper, and writes to ClickHouse
    "demo": AIOHTTP,
    "schemas": AIOHTTP,  # it asks a schema registry
    "api": {"fastapi", "starlette", "uvicorn"},
}
CLIENTS: Final = frozenset(("aiokafka", "fastavro", "clickhouse-connect", "pyyaml", "tenacity", "prometheus-client"))


@cache
def imported(*arguments: str) -> frozenset[str]:
    """The distributions that `peserta ARGUMENTS...` imports in an environment without settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PESERTA_")}
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=TOP, env=environment | {"PESERTA_DATA_DIR": os.devnull}, capture_output=True, text=True, check=False,
        timeout=ANSWER_LIMIT_S,
    )  # fmt: skip
    assert "Traceback" not in said.stderr
    modules = {name.split(".")[0] for name in said.stdout.rpartition(IMPORTED)[2].split()}
    return frozenset(
        distribution.lower().replace("_", "-") for name in modules for distribution in _distributions().get(name, ())
    ) - {"peserta"}


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ()], ids=" ".join)
def test_the_command_line_itself_imports_nothing_but_what_draws_its_screen(arguments: tuple[str, ...]) -> None:
    assert imported(*arguments) <= SCREEN


NAMES: Final = [name for panel in COMMANDS.values() for name, _, _ in panel]


@pytest.mark.parametrize("name", NAMES)
def test_only_who_needs_a_large_library_imports_it(name: str) -> None:
    assert imported(name, "--help") & LARGE <= NEEDED.get(name, frozenset())


ASKING: Final = {
    ("coverage",): SETTINGS | CLIENTS,
    ("sql", "SELECT 1"): SETTINGS | CLIENTS,
    ("alerts",): SETTINGS | CLIENTS,
    ("health",): SETTINGS | {"prometheus-client"},
    ("policies", "list"): SETTINGS | CLIENTS - {"clickhouse-connect"},
    ("publish", os.devnull): SETTINGS | CLIENTS - {"clickhouse-connect"},
    ("simulate", "--as-of", "2025-12-31", os.devnull): SETTINGS | {"pyyaml"},
}


@pytest.mark.parametrize("arguments", ASKING, ids=" ".join)
def test_a_command_imports_no_other_library_of_ours_than_it_needs(arguments: tuple[str, ...]) -> None:
    assert imported(*arguments) & (LARGE | SETTINGS | CLIENTS) <= ASKING[arguments]


OF_A_WORKER: Final = {
    "recorder": FAUST | AIOHTTP,  # Faust imports aiohttp
    "bookkeeper": FAUST | AIOHTTP,
    "sink": AIOHTTP,
    "notifier": AIOHTTP,
}


@pytest.mark.parametrize("name", OF_A_WORKER)
def test_a_worker_imports_no_large_library_of_another(name: str) -> None:
    assert imported("worker", name, "--help") & LARGE == OF_A_WORKER[name]


def test_what_is_imported_is_seen() -> None:
    assert imported("worker", "recorder", "--help") >= FAUST | AIOHTTP | {"aiokafka", "fastavro", "tenacity"}
    assert imported("coverage") >= {"clickhouse-connect", "pydantic", "typer"}
