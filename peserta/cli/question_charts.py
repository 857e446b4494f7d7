"""The pictures of answers at the terminal: one line a row, with a bar that can be read without colour.

CHARTS says for each question what is drawn; a question that is not there is a list, of which a bar says nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Final

from rich.bar import Bar
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from peserta.cli.screen import percent, sparkline
from peserta.cli.tables import plain
from peserta.operations.questions import Request
from peserta.operations.sql_reading import Result

ROWS_MAX: Final = 60  # lines of a picture
WIDTH_MAX: Final = 100  # columns; wider bars say no more
WIDTH_OF_NO_TERMINAL: Final = 80
BAR_MIN: Final = 10
LABEL_MIN: Final = 8
GAP: Final = 2
WHOLE_BP: Final = 10_000
PARTS: Final = "█▒░"  # covered within the grace period, later, never
NOTHING: Final = "–"
NOT_SPLIT: Final = "none"  # of `trend`: all companies together


class Scale(Enum):
    """What the whole width of a bar is, and what the value says."""

    SHARE = "the whole width is 100 %"
    COUNT = "the longest bar is the largest number"
    PART = "the longest bar is the largest share"
    CHANGE = "bars to the right: more, to the left: less"


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar for each row: its length is `value`, beside the columns of `labels` and of `notes`."""

    labels: tuple[str, ...]
    value: str
    scale: Scale
    notes: tuple[str, ...] = ()


class Drawn(Enum):
    """Pictures of their own."""

    MONTHS = "the whole height or width is 100 %"
    EPISODES = "from the firing to the end, or on while it fires; the width is the time shown"
    SPELLS = "█ covered within the grace period, ▒ covered later, ░ not covered; the whole width is all spells"


COMPANY: Final = ("company_id",)
CHARTS: Final[Mapping[str, Bars | Drawn]] = {
    "app": Bars(COMPANY, "jmo_bp", Scale.SHARE, ("active",)),
    "contributions": Bars(COMPANY, "per_month", Scale.COUNT, ("uncovered", "per_worker")),
    "coverage": Bars(COMPANY, "coverage_bp", Scale.SHARE, ("covered", "active")),
    "employment": Bars((*COMPANY, "employment_type"), "coverage_bp", Scale.SHARE, ("covered", "active")),
    "episodes": Drawn.EPISODES,
    "forecast": Bars(COMPANY, "days", Scale.COUNT, ("gap_people",)),
    "freshness": Bars(("source",), "silent_days", Scale.COUNT, ("facts",)),
    "gaps": Bars(COMPANY, "gap_people", Scale.COUNT, ("state",)),
    "movement": Bars(COMPANY, "change_bp", Scale.CHANGE, ("active_to",)),
    "moves": Bars(("from_company", "to_company"), "people", Scale.COUNT, ("covered_after",)),
    "overdue": Bars(COMPANY, "people", Scale.COUNT, ("oldest_days",)),
    "programmes": Bars((*COMPANY, "programmes"), "people", Scale.COUNT),
    "refused": Bars(("reason", "source"), "records", Scale.COUNT),
    "time_to_cover": Drawn.SPELLS,
    "trend": Drawn.MONTHS,
    "turnover": Bars(COMPANY, "turnover_bp", Scale.PART, ("left", "mean_active")),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a picture: texts before the bar, the bar, and texts after it."""

    before: tuple[str, ...]
    bar: RenderableType
    after: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """The picture of an answer, for any width. Its question is in CHARTS."""

    wanted: Request
    found: Result

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        kind = CHARTS[self.wanted.question.name]
        rows = [dict(zip(self.found.columns, row, strict=True)) for row in self.found.rows]
        head, lines = _bars(kind, rows) if isinstance(kind, Bars) else OF_KIND[kind](rows, self.wanted.values)
        said = ", ".join(f"{name} {value}" for name, value in self.wanted.values.items() if name in ("as_of", "policy"))
        yield Text(self.wanted.question.title + (f" ({said})" if said else ""), style="bold")
        if not lines:
            yield Text("There are no rows to draw.")
            return
        width = min(options.max_width, WIDTH_MAX if console.file.isatty() else WIDTH_OF_NO_TERMINAL)
        yield _grid(head, lines[:ROWS_MAX], width)
        yield Text(f"{kind.scale.value if isinstance(kind, Bars) else kind.value}.".capitalize(), style="dim")
        if len(lines) > ROWS_MAX:
            yield Text(f"The first {ROWS_MAX} of {len(lines):,} lines are drawn; without --chart all are shown.")


def _grid(head: Line, lines: Sequence[Line], width: int) -> Table:
    """The lines as a grid of this width; the bars have what the texts leave."""
    before, after = len(head.before), len(head.after)
    texts = [(*line.before, *line.after) for line in (head, *lines)]
    wide = [max(cell_len(row[place]) for row in texts) for place in range(before + after)]
    left = width - sum(wide[before:]) - GAP * (before + after)
    label = max(LABEL_MIN, (left - BAR_MIN) // before)  # a longer one goes on in the next line
    wide[:before] = [min(each, label) for each in wide[:before]]
    grid = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
    for place in range(before):
        grid.add_column(overflow="fold", width=wide[place])
    grid.add_column(width=max(BAR_MIN, left - sum(wide[:before])))
    for _ in range(after):
        grid.add_column(justify="right", no_wrap=True)
    for line in (head, *lines):
        style = "dim" if line is head else ""
        grid.add_row(*map(Text, line.before), line.bar, *map(Text, line.after), style=style)
    return grid


def _bars(kind: Bars, rows: Sequence[Mapping[str, Any]]) -> tuple[Line, list[Line]]:
    most = max((abs(row[kind.value] or 0) for row in rows), default=0) or 1
    head = Line(kind.labels, "", (_name(kind), *kind.notes))
    return head, [
        Line(
            tuple(_label(row[name]) for name in kind.labels),
            _bar(kind.scale, row[kind.value], most),
            (_said(kind.scale, row[kind.value]), *(plain(row[name]) for name in kind.notes)),
        )
        for row in rows
    ]


def _bar(scale: Scale, value: int | None, most: int) -> RenderableType:
    if value is None:
        return ""
    if scale is Scale.CHANGE:
        return Bar(2 * most, most + min(value, 0), most + max(value, 0))
    return Bar(WHOLE_BP if scale is Scale.SHARE else most, 0, value)


def _said(scale: Scale, value: int | None) -> str:
    if value is None:
        return NOTHING
    if scale is Scale.COUNT:
        return f"{value:,}"
    if scale is Scale.CHANGE:
        return f"{'-' if value < 0 else '+'}{percent(abs(value)).removesuffix(' %')}"
    return percent(value)


def _name(kind: Bars) -> str:
    """The head of the value: basis points are shown as per cent, and a change of them in points of it."""
    name = kind.value.removesuffix("_bp")
    return f"{name} (points)" if kind.scale is Scale.CHANGE else name


def _label(value: object) -> str:
    return NOTHING if value in (None, "") else plain(value)


def _months(rows: Sequence[Mapping[str, Any]], values: Mapping[str, str]) -> tuple[Line, list[Line]]:
    """A line for each group, a character for each date of the answer; for all together a bar for each date."""
    if values["by"] == NOT_SPLIT:
        return _bars(Bars(("date",), "coverage_bp", Scale.SHARE, ("covered", "active")), rows)
    dates = sorted({row["date"] for row in rows})
    groups: dict[str | None, dict[date, Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["key"], {})[row["date"]] = row
    lines = []
    for key in sorted(groups, key=lambda key: (key is None, key or "")):
        group = groups[key]
        shares = [group[on]["coverage_bp"] if on in group else None for on in dates]
        ends = [percent(next((bp for bp in each if bp is not None), None)) for each in (shares, shares[::-1])]
        last = group[max(group)]
        lines.append(Line((_label(key),), sparkline(shares), (*ends, f"{last['active']:,}")))
    span = f"{dates[0]} to {dates[-1]}" if dates else ""
    return Line(("key",), span, ("first", "last", "active")), lines


def _episodes(rows: Sequence[Mapping[str, Any]], values: Mapping[str, str]) -> tuple[Line, list[Line]]:
    begins = date.fromisoformat(values["from"])
    ends = max([date.fromisoformat(values["to"]), *(row["resolved_on"] for row in rows if row["resolved_on"])])
    size = (ends - begins).days + 1
    lines = []
    for row in rows:
        until = row["resolved_on"] or ends
        bar = Bar(size, (row["fired_on"] - begins).days, (until - begins).days + 1)
        days = "fires" if row["days"] is None else f"{row['days']:,}"
        lines.append(Line((plain(row["alert_id"]),), bar, (str(row["fired_on"]), days)))
    return Line(("alert_id",), f"{begins} to {ends}", ("fired_on", "days")), lines


def _spells(rows: Sequence[Mapping[str, Any]], _values: Mapping[str, str]) -> tuple[Line, list[Line]]:
    lines = []
    for row in rows:
        parts = (row["within_grace"], row["covered"] - row["within_grace"], row["spells"] - row["covered"])
        median = NOTHING if row["median_days"] is None else f"{row['median_days']:,}"
        lines.append(Line((row["employment_type"],), Stack(parts, row["spells"]), (f"{row['spells']:,}", median)))
    return Line(("employment_type",), "", ("spells", "median_days")), lines


@dataclass(frozen=True, slots=True)
class Stack:
    """Parts of a whole beside each other, each with a character of PARTS."""

    parts: tuple[int, ...]
    whole: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        begins, said = 0, ""
        for part, character in zip(self.parts, PARTS, strict=True):
            ends = begins + part
            said += character * (ends * options.max_width // self.whole - begins * options.max_width // self.whole)
            begins = ends
        yield Text(said)


OF_KIND: Final = {Drawn.MONTHS: _months, Drawn.EPISODES: _episodes, Drawn.SPELLS: _spells}
