"""Suspicious columns: the preview reports them, and nothing is refused for them."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from peserta.intake.sheets.cells import Cell, Table, cell_at, is_whole
from peserta.intake.sheets.dates import reads_both_ways
from peserta.intake.sheets.fields import DATE_FIELDS
from peserta.intake.sheets.layout import Column, Layout
from peserta.intake.sheets.sentences import Remark

ENDS_IN_ZERO_MIN: Final = 5  # with at least this many national ids that all end in 0, the column was rounded

_NUMBERED: Final = ("employee", "company_id")
_SIXTEEN: Final = re.compile(r"[0-9]{16}")


def remarks_on(table: Table, layout: Layout) -> tuple[Remark, ...]:
    """Remarks on the columns that are read."""
    below = table.rows[layout.header_row :]
    cells = {name: [cell_at(row, column.index) for row in below] for name, column in layout.columns.items()}
    return tuple(each for name, column in layout.columns.items() for each in _suspicions(name, column, cells[name]))


def _suspicions(name: str, column: Column, cells: Sequence[Cell]) -> Iterator[Remark]:
    where = {"column": column.letters, "words": column.words}
    if name in DATE_FIELDS:
        texts = [cell for cell in cells if isinstance(cell, str)]
        if reads_both_ways(texts):
            yield Remark("dates_both_ways", where)
        if any(text.strip()[:1].isdigit() for text in texts) and any(isinstance(cell, date) for cell in cells):
            yield Remark("dates_mixed", where)
    elif name in _NUMBERED and any(is_whole(cell) for cell in cells):
        yield Remark("number_cells", where)


def all_rounded(cells: Sequence[Cell]) -> bool:
    """Whether a column's national ids were rounded as numbers: at least ENDS_IN_ZERO_MIN, and all end in 0."""
    found = [cell.strip() for cell in cells if isinstance(cell, str) and _SIXTEEN.fullmatch(cell.strip())]
    return len(set(found)) >= ENDS_IN_ZERO_MIN and all(text.endswith("0") for text in found)
