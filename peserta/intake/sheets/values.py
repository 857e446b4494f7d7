"""A cell -> the value of its field: dates as days, instants in milliseconds, words as the contract's values, texts.

A `CellProblem` names what is wrong with a cell, and never the cell's content.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from peserta.intake.sheets.cells import Cell, Flaw, is_whole
from peserta.intake.sheets.dates import day_of
from peserta.intake.sheets.fields import DATE_FIELDS, NO, WORDS, YES, normalised
from peserta.intake.sheets.layout import Layout
from peserta.intake.tokens import InvalidId, TokenKey
from schemas.dates import EPOCH, JAKARTA_MS, instant, is_instant
from schemas.vocabulary import PROGRAMME_BIT, PROGRAMMES

EXACT_NUMBER_END: Final = 10**15  # spreadsheets keep 15 digits; longer numbers lose the last
KPJ_DIGITS: Final = 11

Value = str | int

_SCIENTIFIC: Final = re.compile(r"[0-9](?:[.,][0-9]+)?[Ee]\+?[0-9]+")
_AMOUNT: Final = re.compile(r"(?:[Rr]p\.?)?\s*[0-9][0-9.,]*-?")
_BETWEEN: Final = re.compile(r"[,;+/|\s]+")
_UTC_MIDNIGHT: Final = EPOCH.astimezone(UTC)


class CellProblem(Exception):
    """What is wrong with a cell: the reason of a refusal, and the values for its message."""

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values


def value_of(field: str, cell: Cell, layout: Layout) -> Value:
    """The value of a cell that is not blank, for a field that does not identify a person. Raises CellProblem."""
    if isinstance(cell, Flaw):
        raise CellProblem(cell.value)
    if field in DATE_FIELDS:
        return _day(cell, layout.month_first)
    if field == "occurred_at":
        return _instant(cell)
    if field in PROGRAMMES:
        return _held(cell, layout.values.get(field, {}))
    if field == "programmes":
        return _programmes(cell)
    if field in WORDS:
        return _word(field, cell, layout.values.get(field, {}))
    return text_of(cell)


def text_of(cell: Cell) -> str:
    """A cell as text, without white space around it. Raises CellProblem if it is neither text nor a whole number."""
    if isinstance(cell, Flaw):
        raise CellProblem(cell.value)
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not is_whole(cell):
        raise CellProblem("no_text_in_cell")
    if abs(cell) >= EXACT_NUMBER_END:
        raise CellProblem("rounded_number")
    return str(int(cell))


def token_of(field: str, cell: Cell, key: TokenKey | None, company_id: str) -> str:
    """The token of the person in a cell. Raises CellProblem. `worker_id` cells hold ready-made tokens and need no key.

    Other person columns need one: without a key `rows.read_rows` refuses the whole sheet.
    """
    text = text_of(cell)
    if field == "worker_id":
        return text
    assert key is not None
    if _SCIENTIFIC.fullmatch(text):
        raise CellProblem("rounded_number")
    if field == "kpj" and not isinstance(cell, str) and len(text) < KPJ_DIGITS:
        raise CellProblem("lost_zeros")
    try:
        if field == "employee":
            return key.employee(company_id, text)
        return key.nik(text) if field == "nik" else key.kpj(text)
    except InvalidId as error:
        raise CellProblem(error.reason) from None


def _day(cell: Cell, month_first: bool) -> int:
    found = day_of(cell, month_first)
    if found is None:
        raise CellProblem("invalid_date")
    return found


def _instant(cell: Cell) -> int:
    """The instant of an RFC 3339 text with an offset, or of a date cell with a time, which is in Asia/Jakarta."""
    if isinstance(cell, str):
        try:
            return instant(cell.strip())
        except ValueError:
            raise CellProblem("invalid_instant") from None
    if not isinstance(cell, date):
        raise CellProblem("invalid_instant")
    wall = cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)
    at = round((wall.replace(tzinfo=UTC) - EPOCH).total_seconds() * 1000) - JAKARTA_MS
    if not is_instant(at):
        raise CellProblem("invalid_instant")
    return at


def _word(field: str, cell: Cell, own: Mapping[str, str]) -> str:
    """The value of a word, from the mapping file or the table of words."""
    word = normalised(text_of(cell))
    words = WORDS[field]
    found = words.get(normalised(own[word])) if word in own else words.get(word)
    if found is None:
        raise CellProblem("unknown_word", known=", ".join(sorted(set(words.values()))))
    return found


def _held(cell: Cell, own: Mapping[str, str]) -> int:
    """Whether a programme is held, as 1 or 0: by a word, or by the amount paid for it."""
    if isinstance(cell, bool):
        return int(cell)
    if isinstance(cell, int | float):
        if cell < 0:
            raise CellProblem("no_yes_or_no")
        return int(cell > 0)
    text = cell.strip() if isinstance(cell, str) else text_of(cell)
    word = normalised(text)
    word = normalised(own[word]) if word in own else word
    if word in YES or word in NO:
        return int(word in YES)
    if _AMOUNT.fullmatch(text):
        return int(any(digit in text for digit in "123456789"))
    raise CellProblem("no_yes_or_no")


def _programmes(cell: Cell) -> int:
    """The mask of a list of programmes, separated by commas, semicolons, plus signs, slashes or blanks."""
    mask = 0
    for name in filter(None, _BETWEEN.split(text_of(cell))):
        if name.upper() not in PROGRAMME_BIT:
            raise CellProblem("unknown_word", known=", ".join(PROGRAMMES))
        mask |= PROGRAMME_BIT[name.upper()]
    return mask
