"""Pictures of the dashboards of figures, for the docs: their panels, at their places, from their own SQL.

matplotlib draws them, not Grafana: places, titles, columns and numbers are those of the dashboard, colours and letters
are not. matplotlib is none of the project's packages:

uv run --with matplotlib python -m tests.support.dashboards.pictures
"""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from deploy.embedded.stack import Stack
from sinks.clickhouse.published_views import analysts_of, publish_for_analysts
from tests.support.dashboards.files import DASHBOARDS
from tests.support.dashboards.filling import filled
from tests.support.dashboards.panels import BARS, LINES, STAT, WIDTH, Dashboard, Panel, Sql
from tests.support.sink_database import Database, made_database, opened_database
from tests.support.story_database import put_story

FOLDER: Final = Path(__file__).parents[3] / "docs" / "pictures"
SCALE: Final = 0.5
CELL_INCHES: Final = (0.62, 0.34)
DPI: Final = 72
ROWS_SHOWN: Final = 9
TEXT_MAX: Final = 26

Answer = tuple[tuple[str, ...], list[tuple[Any, ...]]]


async def _answers(database: Database, board: Dashboard) -> list[Answer]:
    found = [await database.client.query(filled(q.text)) for p in board.panels for q in p.queries if isinstance(q, Sql)]
    return [(tuple(each.column_names), [tuple(row) for row in each.result_rows]) for each in found]


async def _all_answers(url: str) -> dict[str, list[Answer]]:
    async with made_database(url, "story") as database:
        await put_story(database, SCALE)
        await publish_for_analysts(database.client, "story")
    async with opened_database(url, analysts_of("story")) as database:
        boards = [board for board in DASHBOARDS if isinstance(board.panels[0].queries[0], Sql)]
        return {board.uid: await _answers(database, board) for board in boards}


def _draw(board: Dashboard, answers: list[Answer], path: Path) -> None:
    import matplotlib  # type: ignore[import-not-found, unused-ignore]

    matplotlib.use("Agg")
    from matplotlib import pyplot  # type: ignore[import-not-found, unused-ignore]

    places = [panel["gridPos"] for panel in board.json()["panels"]]
    height = max(place["y"] + place["h"] for place in places)
    figure = pyplot.figure(figsize=(WIDTH * CELL_INCHES[0], height * CELL_INCHES[1] + 0.5), dpi=DPI)
    figure.suptitle(filled(board.title), x=0.01, ha="left", fontsize=14, weight="bold")
    top = 1 - 0.45 / (height * CELL_INCHES[1] + 0.5)
    for panel, place, (columns, rows) in zip(board.panels, places, answers, strict=True):
        box = (
            (place["x"] + 0.9) / WIDTH,
            top * (1 - (place["y"] + place["h"] - 1.1) / height),
            (place["w"] - 1.3) / WIDTH,
            top * (place["h"] - 2.6) / height,
        )
        inset = 1.6 / WIDTH if panel.kind == BARS else 0  # for the names
        axes = figure.add_axes((box[0] + inset, box[1], box[2] - inset, box[3]))
        axes.set_title(filled(panel.title), loc="left", fontsize=9, weight="bold")
        _panel(axes, panel, columns, rows)
    figure.savefig(path)
    pyplot.close(figure)


def _panel(axes: Any, panel: Panel, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    if panel.kind == LINES:
        for name, times, values in _lines(columns, rows):
            axes.plot(times, values, label=name, linewidth=1.2)
        axes.legend(fontsize=7, loc="best", frameon=False)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.25)
        axes.set_ylim(bottom=0)
    elif panel.kind == BARS:
        for number, column in enumerate(columns[1:], 1):
            places = [place + 0.4 * (number - 1) for place in range(len(rows))]
            axes.barh(places, [row[number] for row in rows], height=0.38, label=column)
        axes.set_yticks([])
        for place, row in enumerate(rows):
            axes.text(
                -0.01, place + 0.2, row[0], transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=7
            )
        axes.invert_yaxis()
        axes.tick_params(axis="x", labelsize=7)
        axes.legend(fontsize=7, frameon=False)
    elif panel.kind == STAT:
        axes.axis("off")
        for number, (column, value) in enumerate(zip(columns, rows[0], strict=True)):
            middle = (number + 0.5) / len(columns)
            unit = " %" if panel.units.get(column, panel.unit) == "percent" else ""
            axes.text(middle, 0.65, _text(value) + unit, ha="center", va="center", fontsize=16)
            axes.text(middle, 0.1, column, ha="center", va="center", fontsize=8, color="0.4")
    else:
        _table(axes, columns, rows)


def _lines(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[tuple[str, list[Any], list[Any]]]:
    """Name, times and values of each line: of each column, or of each word where the second column has words."""
    if not isinstance(rows[0][1], str):
        return [(name, [row[0] for row in rows], [row[n] for row in rows]) for n, name in enumerate(columns) if n]
    names = dict.fromkeys(row[1] for row in rows)
    found = {name: [row for row in rows if row[1] == name] for name in names}
    return [(name, [row[0] for row in own], [row[2] for row in own]) for name, own in found.items()]


def _table(axes: Any, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    axes.axis("off")
    cells = [[_text(value) for value in row] for row in rows[:ROWS_SHOWN]]
    widths = [max(len(column), *(len(row[n]) for row in cells)) for n, column in enumerate(columns)]
    shares = [width / sum(widths) for width in widths]
    high = (len(cells) + 1) / (ROWS_SHOWN + 1)
    shown = {"colWidths": shares, "cellLoc": "left", "colLoc": "left", "edges": "horizontal"}
    table = axes.table(cells, colLabels=columns, bbox=[0, 1 - high, 1, high], **shown)
    table.auto_set_font_size(False)
    table.set_fontsize(7)
    if len(rows) > ROWS_SHOWN:
        axes.text(0, -0.1, f"{len(rows) - ROWS_SHOWN} more rows", fontsize=7, color="0.4")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    text = f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" if type(value) is int else str(value)
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"


def main() -> None:
    """Write a picture of each dashboard of figures."""
    FOLDER.mkdir(exist_ok=True)
    with Stack(kafka=False) as stack:
        answers = asyncio.run(_all_answers(stack.clickhouse_url))
    for board in DASHBOARDS:
        if board.uid in answers:
            _draw(board, answers[board.uid], FOLDER / f"{board.uid}.png")


if __name__ == "__main__":
    main()
