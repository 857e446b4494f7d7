"""What holds for every page: links lead somewhere, table cells are short, the README is short."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

TOP: Final = Path(__file__).parents[2]
CELL_LENGTH_MAX: Final = 200
README_LINES_MAX: Final = 150
ROOMS: Final = ("docs", "deploy", "peserta", "schemas", "sinks", "streams", "tests")
PAGES: Final = sorted(
    page
    for folder, pattern in [(TOP, "*.md"), *((TOP / room, "**/*.md") for room in ROOMS)]
    for page in folder.glob(pattern)
    if "cases" not in page.parts
)


def anchors(text: str) -> set[str]:
    """The anchors that headings make, as GitHub forms them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[str]:
    """Relative links of a page."""
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


def test_the_readme_is_short() -> None:
    assert len((TOP / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES_MAX


def test_anchors_are_found() -> None:
    assert anchors("# What is promised, and what it takes\n## A `b`") == {"what-is-promised-and-what-it-takes", "a-b"}
