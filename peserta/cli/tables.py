"""A table for people. Every cell that is shown is complete: columns that do not fit are named, never cut."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.public_json import datetime_text

GAP_COLUMNS: Final = 2  # between two columns
COLUMNS_MIN: Final = 2  # with fewer columns that fit, the rows are shown as records


@dataclass(frozen=True)
class Column:
    """A column and its cells. `prose` may be broken between words; `drawn` cells are shown only on a terminal."""

    name: str
    cells: tuple[Text, ...]
    right: bool = False
    prose: bool = False
    drawn: bool = False

    @property
    def widest(self) -> int:
        """The width, in terminal cells, in which nothing is broken."""
        return max(map(cell_len, self._texts()))

    @property
    def least(self) -> int:
        """The least width, in terminal cells, at which no cell and no word of prose is broken."""
        if not self.prose:
            return self.widest
        return max(cell_len(word) for text in self._texts() for word in text.split() or ("",))

    def _texts(self) -> list[str]:
        return [self.name, *(cell.plain for cell in self.cells)]


@dataclass(frozen=True)
class Sheet:
    """Rows under a title, for any width.

    Columns that do not fit are left out, those of `spare` first, then from the right. A last line names them and says
    `where` they are. As `records`, every field is shown, one block for each row. Without a terminal the table has its
    full width and no lines.
    """

    title: str
    columns: tuple[Column, ...]
    spare: tuple[str, ...] = ()
    where: str = "a wider terminal, or a pipe"
    records: bool = False
    caption: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        on_screen = console.file.isatty()
        wanted = [column for column in self.columns if on_screen or not column.drawn]
        kept = fitting(wanted, options.max_width, self.spare)
        left_out = [column.name for column in wanted if column not in kept and not column.drawn]
        if self.title:
            yield Text(self.title, style="bold")
        if (
            (left_out and self.records)
            or not _fits(kept, options.max_width)
            or len(kept) < min(COLUMNS_MIN, len(wanted))
        ):
            yield from _records(wanted)
            left_out = []
        elif on_screen and kept:
            yield _drawn(kept, options.max_width)
        elif kept:
            yield from _lined_up(kept)
        if left_out:
            count = f"{len(left_out)} column{'s' if len(left_out) > 1 else ''} more ({', '.join(left_out)})"
            yield Text(f"{count}: {self.where}.", style="dim")
        if self.caption:
            yield Text(self.caption, style="dim")


def table(
    title: str,
    columns: Iterable[str],
    rows: Iterable[Iterable[Any]],
    *,
    right: Iterable[str] = (),
    prose: Iterable[str] = (),
    drawn: Iterable[str] = (),
    **more: Any,
) -> Sheet:
    """A sheet of these rows. A cell is plain text, even if it looks like markup, unless it is a rich Text.

    `right` names columns of numbers; columns with nothing but numbers are found. `prose`, `drawn`: see Column. `more`:
    see Sheet.
    """
    names, values = list(columns), [list(row) for row in rows]
    numbers, texts, pictures = set(right), set(prose), set(drawn)
    return Sheet(
        title,
        tuple(
            Column(
                _printable(name),
                tuple(cell(row[place]) for row in values),
                name in numbers or _are_numbers([row[place] for row in values]),
                name in texts,
                name in pictures,
            )
            for place, name in enumerate(names)
        ),
        **more,
    )


def cell(value: object) -> Text:
    """A value as text for people; empty for None."""
    return value if isinstance(value, Text) else Text(plain(value))


def plain(value: object) -> str:
    """Foreign text without control characters; lists on one line, booleans in small letters, instants as RFC 3339."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return " ".join(map(plain, value))
    return _printable(datetime_text(value) if isinstance(value, datetime) else str(value))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _are_numbers(values: Sequence[object]) -> bool:
    found = [value for value in values if value is not None]
    return bool(found) and all(isinstance(v, int | float | Decimal) and not isinstance(v, bool) for v in found)


def fitting(columns: Sequence[Column], width: int, spare: Sequence[str]) -> list[Column]:
    """The columns that fit into `width`; the first one is always among them."""
    kept, droppable = list(columns), list(spare)
    while len(kept) > 1 and not _fits(kept, width):
        name = droppable.pop(0) if droppable else kept[-1].name
        dropped = next((column for column in reversed(kept[1:]) if column.name == name), None)
        if dropped is not None:
            kept.remove(dropped)
    return kept


def _fits(columns: Sequence[Column], width: int) -> bool:
    return sum(column.least for column in columns) + GAP_COLUMNS * (len(columns) - 1) <= width


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """The width of each column: its least width, and a share of the rest, given out from the left."""
    rest = width - GAP_COLUMNS * (len(columns) - 1) - sum(column.least for column in columns)
    widths = []
    for column in columns:
        more = min(rest, column.widest - column.least)
        widths.append(column.least + more)
        rest -= more
    return widths


def _drawn(columns: Sequence[Column], width: int) -> Table:
    made = Table(
        header_style="bold", box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP_COLUMNS - 1, 0, 0)
    )
    for column, wide in zip(columns, _widths(columns, width), strict=True):
        name = Text(column.name)
        made.add_column(name, justify="right" if column.right else "left", width=wide, no_wrap=not column.prose)
    for row in zip(*(column.cells for column in columns), strict=True):
        made.add_row(*row)
    return made


def _lined_up(columns: Sequence[Column]) -> Iterator[Text]:
    """One line for the names and one for each row, without trailing blanks."""
    widths = [column.widest for column in columns]
    head = tuple(Text(column.name, style="bold") for column in columns)
    for row in (head, *zip(*(column.cells for column in columns), strict=True)):
        line = Text(no_wrap=True, overflow="ignore")
        for column, wide, value in zip(columns, widths, row, strict=True):
            blanks = " " * (wide - cell_len(value.plain))
            line.append_text(Text.assemble(blanks, value) if column.right else Text.assemble(value, blanks))
            line.append(" " * GAP_COLUMNS)
        line.rstrip()
        yield line


def _records(columns: Sequence[Column]) -> Iterator[RenderableType]:
    """One block for each row and one line for each field. The terminal, not this function, breaks long lines."""
    names = max((cell_len(column.name) for column in columns), default=0)
    for number, row in enumerate(zip(*(column.cells for column in columns), strict=True), 1):
        yield Text(f"- {number}", style="dim")
        for column, value in zip(columns, row, strict=True):
            name = column.name + " " * (names - cell_len(column.name))
            yield Text.assemble((name, "bold"), "  ", value, no_wrap=True, overflow="ignore")
