"""Rules for every page: links have a target, commands exist, table cells are short, and the README is short."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import typer

from peserta.cli.deferred import every_command
from peserta.cli.main import app

TOP: Final = Path(__file__).parents[2]
CELL_LENGTH_MAX: Final = 200
README_LINES_MAX: Final = 150
ROOMS: Final = ("clients", "docs", "deploy", "peserta", "schemas", "sinks", "streams", "tests")
PAGES: Final = sorted(
    page
    for folder, pattern in [(TOP, "*.md"), *((TOP / room, "**/*.md") for room in ROOMS)]
    for page in folder.glob(pattern)
    if "cases" not in page.parts
)

# Pages that describe this version. The changelog may also name removed commands.
PRESENT: Final = [page for page in PAGES if page.name != "CHANGELOG.md"]

# Words of a command -> the names of its options.
COMMANDS: Final = {
    path: {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for path, command in every_command(typer.main.get_group(app))
}
GROUPS: Final = {path[:-1] for path in COMMANDS if len(path) > 1}
TARGETS: Final = set(
    re.findall(r"^([a-z-]+):.*## ", (TOP / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
)
CODE: Final = re.compile(r"```.*?```|`[^`]+`", flags=re.DOTALL)
ENDS_A_COMMAND: Final = re.compile(r"[|;&#>`\n]")


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[str]:
    """The relative links of a page."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    yield from (link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in links(page):
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_no_table_cell_is_a_paragraph(page: Path) -> None:
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [cell.strip() for row in rows for cell in re.split(r"(?<!\\)\|", row)]
    assert [cell for cell in cells if len(cell) > CELL_LENGTH_MAX] == []


def invocations(text: str, program: str) -> Iterator[list[str]]:
    """The arguments of each call of a program in a page's code, up to the end of the command or the line."""
    for code in CODE.findall(text):
        one = code if code.startswith("```") else " ".join(code.split())
        for found in re.finditer(rf"(?:^|[\s`/(])(?<!peserta token ){program} (?=[a-zA-Z-])", one):
            yield ENDS_A_COMMAND.split(one[found.end() :], maxsplit=1)[0].split()


def wrong_command(arguments: list[str]) -> str:
    """The part of these `peserta` arguments that the command line would reject; empty if it accepts all."""
    words = tuple(arguments[:1])
    if words in GROUPS and arguments[1:] and not arguments[1].startswith("-"):
        words = tuple(arguments[:2])
    if words[0].startswith("--"):
        return ""
    if words not in COMMANDS:
        return " ".join(words)
    options = {argument.partition("=")[0] for argument in arguments if argument.startswith("--")}
    return " ".join(sorted(options - COMMANDS[words] - {"--help"}))


def wrong_target(arguments: list[str]) -> str:
    """The first of these `make` targets that the Makefile lacks; empty if it has all."""
    return next((each for each in arguments if "=" not in each and each not in TARGETS), "")


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(TOP)))
def test_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = [wrong_command(found) for found in invocations(text, "peserta")]
    wrong += [wrong_target(found) for found in invocations(text, "make")]
    assert [each for each in wrong if each] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        pytest.param("`peserta audit --save x`", "", id="a command"),
        pytest.param("`peserta\npolicies  end x`", "", id="a command of a group, across a line break"),
        pytest.param("`peserta proof`", "proof", id="no such command"),
        pytest.param("`peserta policies remove x`", "policies remove", id="no such command of a group"),
        pytest.param("```sh\npeserta audit --keep x | head --bytes 3\n```", "--keep", id="no such option"),
        pytest.param("`.venv/bin/peserta prove`", "prove", id="by its path"),
        pytest.param("A peserta proof.", "", id="prose"),
    ],
)
def test_wrong_commands_are_found(text: str, wrong: str) -> None:
    assert "".join(wrong_command(found) for found in invocations(text, "peserta")) == wrong


@pytest.mark.parametrize(
    ("text", "wrong"), [("`make chaos SEED=3`", ""), ("`make PYTHON=python3 test`", ""), ("`make tests`", "tests")]
)
def test_wrong_targets_are_found(text: str, wrong: str) -> None:
    assert "".join(wrong_target(found) for found in invocations(text, "make")) == wrong


def test_the_readme_is_short() -> None:
    assert len((TOP / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES_MAX


def test_anchors_are_found() -> None:
    assert anchors("# What is promised, and what it takes\n## A `b`") == {"what-is-promised-and-what-it-takes", "a-b"}
