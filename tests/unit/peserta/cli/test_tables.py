"""Tables on terminals of any width have whole cells and whole columns, and name the columns that are left out."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from peserta.cli.screen import Screen
from peserta.cli.tables import Sheet, plain, table
from tests.support.journals import deterministic

TOP: Final = Path(__file__).parents[3]
STYLES: Final = re.compile(r"\x1b\[[0-9;]*m")
LIMIT_S: Final = 60


class Terminal(io.StringIO):
    """A file that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def on_screen(sheet: Sheet, width: int) -> list[str]:
    """The lines on a terminal of this width, without colours."""
    file = Terminal()
    Screen(file=file, width=width).print(sheet)
    return STYLES.sub("", file.getvalue()).split("\n")[:-1]


def piped(sheet: Sheet) -> list[str]:
    file = io.StringIO()
    Screen(file=file).print(sheet)
    return file.getvalue().split("\n")[:-1]


# ---------------------------------------------------------------- every table, every width

word: Final = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn", "Z")), min_size=1, max_size=24)


@st.composite
def sheets(draw: st.DrawFn) -> tuple[Sheet, dict[str, list[str]]]:
    """A sheet, and column -> its cells. The text of a cell contains its position."""
    columns = [f"c{number}" for number in range(draw(st.integers(1, 8)))]
    ids = st.lists(word, min_size=len(columns), max_size=len(columns))
    rows = [
        [f"{name}r{number}:{text}" for name, text in zip(columns, draw(ids), strict=True)]
        for number in range(draw(st.integers(1, 4)))
    ]
    prose = draw(st.sets(st.sampled_from(columns)))
    spare = tuple(draw(st.lists(st.sampled_from(columns), unique=True)))
    sheet = table("", columns, rows, prose=prose, spare=spare, records=draw(st.booleans()))
    return sheet, {name: [row[place] for row in rows] for place, name in enumerate(columns)}


@given(sheets(), st.integers(4, 200))
@deterministic
def test_every_cell_is_whole_or_its_column_is_named(drawn: tuple[Sheet, dict[str, list[str]]], width: int) -> None:
    sheet, columns = drawn
    lines = on_screen(sheet, width)
    said = " ".join(lines)
    note = said.rpartition(" more (")[2].partition("):")[0] if " more (" in said else ""
    left_out = {name.strip() for name in note.split(",")}
    for name, cells in columns.items():
        whole = all(any(plain(cell) in line for line in lines) for cell in cells)
        assert whole != (name in left_out)
    assert "c0" not in left_out


@given(sheets(), st.integers(4, 200))
@deterministic
def test_no_line_of_a_table_is_wider_than_the_terminal(drawn: tuple[Sheet, dict[str, list[str]]], width: int) -> None:
    lines = on_screen(drawn[0], width)
    if "- 1" not in lines:
        assert max(map(cell_len, lines)) <= width


@given(sheets())
@deterministic
def test_a_pipe_gets_everything_a_line_for_each_row_and_nothing_drawn(
    drawn: tuple[Sheet, dict[str, list[str]]],
) -> None:
    sheet, columns = drawn
    head, *lines = piped(sheet)
    assert head.split() == list(columns)
    assert [line.split() for line in lines] == [
        " ".join(map(plain, row)).split() for row in zip(*columns.values(), strict=True)
    ]


# ---------------------------------------------------------------- what is left out

COVERAGE: Final = table(
    "Coverage",
    ("company", "name", "active", "coverage", "", "as of"),
    [
        ("JPR-0001-A", "Batik Nusantara Sejahtera", 120, "50.00 %", "█████", date(2025, 12, 31)),
        ("JPR-0002-A", None, 5, "100.00 %", "██████████", date(2025, 12, 31)),
    ],
    right=("coverage",),
    prose=("name",),
    drawn=("",),
    spare=("", "name"),
    where="a wider terminal, or --json",
)


def test_at_200_columns_everything_is_there() -> None:
    assert [line.rstrip() for line in on_screen(COVERAGE, 200)] == [
        "Coverage",
        "company     name                       active  coverage              as of",
        "─" * 79,
        "JPR-0001-A  Batik Nusantara Sejahtera     120   50.00 %  █████       2025-12-31",
        "JPR-0002-A                                  5  100.00 %  ██████████  2025-12-31",
    ]


def test_at_60_columns_the_drawing_goes_without_a_word_and_prose_is_broken_between_words() -> None:
    assert [line.rstrip() for line in on_screen(COVERAGE, 60)] == [
        "Coverage",
        "company     name                active  coverage  as of",
        "─" * 60,
        "JPR-0001-A  Batik Nusantara        120   50.00 %  2025-12-31",
        "            Sejahtera",
        "JPR-0002-A                           5  100.00 %  2025-12-31",
    ]


def test_at_36_columns_whole_columns_go_and_are_named() -> None:
    lines = on_screen(COVERAGE, 36)
    assert [line.split() for line in lines[:1] + lines[3:5]] == [
        ["Coverage"],
        ["JPR-0001-A", "120", "50.00", "%"],
        ["JPR-0002-A", "5", "100.00", "%"],
    ]
    assert " ".join(map(str.strip, lines[5:])) == "2 columns more (name, as of): a wider terminal, or --json."


def test_records_show_every_field_and_break_no_line() -> None:
    sheet = table("1 row", ("company_id", "active", "name"), [("C" * 64, 5, None)], records=True)
    assert on_screen(sheet, 40) == ["1 row", "- 1", f"company_id  {'C' * 64}", "active      5", "name        "]


def test_an_id_that_is_wider_than_the_terminal_is_whole_in_a_record() -> None:
    assert f"company  {'C' * 64}" in on_screen(table("", ("company", "active"), [("C" * 64, 5)]), 40)


def test_a_pipe_has_no_drawings() -> None:
    assert not [line for line in piped(COVERAGE) if "█" in line or "─" in line]


def test_lines_of_a_pipe_have_nothing_at_their_end() -> None:
    rows = [("C1", "short", 5), ("C2", "much longer", None)]
    assert piped(table("2 rows", ("company", "name", "active"), rows)) == [
        "2 rows",
        "company  name         active",
        "C1       short             5",
        "C2       much longer",
    ]


def test_without_rows_there_are_the_names_of_the_columns() -> None:
    assert piped(table("0 rows", ("a", "b"), [])) == ["0 rows", "a  b"]


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (12, "12"),
        (["JKK", "JKM"], "JKK JKM"),
        (date(2025, 9, 30), "2025-09-30"),
        (datetime(2025, 9, 30, 2, tzinfo=UTC), "2025-09-30T02:00:00.000Z"),
        ("[red]x[/red]", "[red]x[/red]"),
        (":smile:", ":smile:"),
        ("C\x1b[31m\n", "C\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_cell_is_text_whatever_it_looks_like(value: object, text: str) -> None:
    assert on_screen(table("", ("a",), [(value,)]), 80)[2].rstrip() == text


@pytest.mark.parametrize("place", ["title", "name", "caption", "sentence"])
def test_nothing_is_read_as_markup(place: str) -> None:
    text = "[red]x[/red] :smile: [/]"
    shown = {
        "title": table(text, ("a",), []),
        "name": table("", (text,), []),
        "caption": table("", ("a",), [], caption=text),
        "sentence": text,
    }[place]
    file = io.StringIO()
    Screen(file=file).print(shown)
    assert text in file.getvalue()


def test_a_cell_may_have_a_style_of_its_own() -> None:
    file = Terminal()
    screen = Screen(file=file, width=80)
    screen.print(table("", ("state",), [(Text("ready", style="green"),)]))
    assert "ready" in STYLES.sub("", file.getvalue())
    assert "[green]" not in file.getvalue()


def test_columns_of_numbers_are_found_and_stand_to_the_right() -> None:
    sheet = table("", ("n", "share", "text", "truth"), [(1, 0.5, "a", True), (None, 2, 3, False)])
    assert [column.right for column in sheet.columns] == [True, True, False, False]


# ---------------------------------------------------------------- a real command on a real terminal


def environment(**more: str) -> dict[str, str]:
    ours = ("PESERTA_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "TTY_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**inherited, "PYTHONPATH": str(TOP), "TERM": "xterm-256color", **more}


def topics_on_terminal(width: int, **more: str) -> str:
    """The output of `peserta topics list` on a terminal of this width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, width, 0, 0))
    command = [sys.executable, "-m", "peserta", "topics", "list"]
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.STDOUT, env=environment(**more)) as process:
        os.close(theirs)
        said = b""
        while piece := _read(ours):
            said += piece
    os.close(ours)
    assert process.returncode == 0
    return said.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux raises it when the other end is closed
        return b""


def topics_piped(**more: str) -> str:
    command = [sys.executable, "-m", "peserta", "topics", "list"]
    done = subprocess.run(command, env=environment(**more), capture_output=True, text=True, timeout=LIMIT_S, check=True)
    return done.stdout


PREFIX: Final = "regency-of-batam."


@pytest.mark.parametrize(
    ("width", "said"), [(40, "- 10\n"), (80, "1 column more (largest batch, bytes)"), (200, "8388608")]
)
def test_topics_on_a_terminal_are_whole(width: int, said: str) -> None:
    shown = STYLES.sub("", topics_on_terminal(width, PESERTA_TOPIC_PREFIX=PREFIX))
    assert f"{PREFIX}peserta-bookkeeper-book-changelog" in shown
    assert said in shown


def test_colours_are_for_terminals_that_want_them() -> None:
    assert "\x1b[1m" in topics_on_terminal(80)
    assert not re.search(r"\x1b\[(?:\d+;)*3\d", topics_on_terminal(80, NO_COLOR="1"))
    assert "\x1b" not in topics_on_terminal(80, TERM="dumb")


def test_a_pipe_is_plain_and_as_wide_as_it_takes() -> None:
    plain_text = topics_piped(PESERTA_TOPIC_PREFIX=PREFIX)
    assert "\x1b" not in plain_text
    assert "─" not in plain_text
    assert f"{PREFIX}peserta-bookkeeper-book-changelog  the last of each key               8388608\n" in plain_text
    for more in ({"FORCE_COLOR": "1"}, {"FORCE_COLOR": "1", "TERM": "dumb"}, {"COLUMNS": "40"}):
        assert STYLES.sub("", topics_piped(PESERTA_TOPIC_PREFIX=PREFIX, **more)) == plain_text
    assert "\x1b[1m" in topics_piped(FORCE_COLOR="1")
