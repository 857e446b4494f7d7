"""Dates in cells: date cells, `YYYY-MM-DD`, `DD-MM-YYYY`, `DD/MM/YYYY`; day first unless a mapping says otherwise."""

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final

from peserta.intake.sheets.cells import Cell, as_day
from schemas.dates import EPOCH_ORDINAL
from schemas.records import Day

_YEAR_FIRST: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_YEAR_LAST: Final = re.compile(r"([0-9]{1,2})([-/])([0-9]{1,2})\2([0-9]{4})")


def day_of(cell: Cell, month_first: bool) -> Day | None:
    """The date in a cell; None if there is none."""
    if isinstance(cell, date):
        return as_day(cell).toordinal() - EPOCH_ORDINAL
    return _day_of_text(cell.strip(), month_first) if isinstance(cell, str) else None


def reads_both_ways(cells: Iterable[Cell]) -> bool:
    """Whether all text dates with the year last can be read in both orders, and at least one would change."""
    differing = False
    for cell in cells:
        found = _YEAR_LAST.fullmatch(cell.strip()) if isinstance(cell, str) else None
        if found:
            if int(found[1]) > 12 or int(found[3]) > 12:
                return False
            differing = differing or int(found[1]) != int(found[3])
    return differing


@lru_cache(maxsize=1 << 14)
def _day_of_text(text: str, month_first: bool) -> Day | None:
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = map(int, found.groups())
    elif found := _YEAR_LAST.fullmatch(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        day, month = (second, first) if month_first else (first, second)
    else:
        return None
    try:
        return date(year, month, day).toordinal() - EPOCH_ORDINAL
    except ValueError:
        return None
