"""Charts as SVG: bars for rows, lines for growth. The shapes are simple, so no library is needed."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from typing import Final

from tests.bench.growth import Points
from tests.bench.rounds import Measured

WIDTH, BAR, LINE_HEIGHT, MARGIN = 900, 26, 320, 60
LABEL_WIDTH: Final = 300
COLOURS: Final = ("#1f6f8b", "#c05746", "#6a994e", "#7a5195")
TEXT: Final = 'font-family="sans-serif" font-size="13"'


def bars(measured: Sequence[Measured], title: str) -> str:
    """One bar for each row with a target. It shows the figure as a share of the target, the line in the middle."""
    shown = [one for one in measured if one.row.target]
    full = (WIDTH - LABEL_WIDTH - 120) / 2
    parts = [_text(10, 24, title)]
    for number, one in enumerate(shown):
        y = 44 + number * BAR
        share = one.median / one.row.target if one.row.target else 0.0
        parts += [
            _text(10, y + 14, one.row.name),
            f'<rect x="{LABEL_WIDTH}" y="{y}" width="{min(share, 2) * full:.0f}" height="18" fill="{COLOURS[0]}"/>',
            _text(LABEL_WIDTH + min(share, 2) * full + 6, y + 14, f"{one.median:,.0f} {one.row.unit}"),
        ]
    bottom = 44 + len(shown) * BAR
    parts.append(f'<line x1="{LABEL_WIDTH + full}" x2="{LABEL_WIDTH + full}" y1="38" y2="{bottom}" stroke="#333"/>')
    return _svg(parts, bottom + 10)


def lines(cases: Mapping[str, Points], title: str) -> str:
    """One line for each case: microseconds for a fact, by size on a logarithmic axis."""
    sizes = [size for points in cases.values() for size in points]
    highest = max(cost for points in cases.values() for cost in points.values())
    left, right = log10(min(sizes)), log10(max(sizes))
    across, down = (WIDTH - 2 * MARGIN - 220) / ((right - left) or 1), LINE_HEIGHT - 2 * MARGIN

    def place(size: int, cost: float) -> tuple[float, float]:
        return MARGIN + (log10(size) - left) * across, LINE_HEIGHT - MARGIN - cost / highest * down

    parts = [_text(10, 24, title), _text(10, MARGIN, f"{highest:.0f} us"), _text(10, LINE_HEIGHT - MARGIN, "0")]
    for power in range(int(left), int(right) + 1):
        parts.append(_text(place(10**power, 0)[0] - 12, LINE_HEIGHT - MARGIN + 20, f"{10**power:,}"))
    for (name, points), colour in zip(cases.items(), COLOURS, strict=False):
        path = " ".join(f"{x:.0f},{y:.0f}" for x, y in (place(*point) for point in sorted(points.items())))
        x, y = place(*max(points.items()))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(x + 6, y + 4, name, colour))
    return _svg(parts, LINE_HEIGHT)


def _text(x: float, y: float, text: str, colour: str = "#222") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}" {TEXT}>{escape(text)}</text>'


def _svg(parts: Sequence[str], height: float) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", ""])
