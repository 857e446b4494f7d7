"""A roster in a sheet: the fate of each row, and the roster that the rows make."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from peserta.intake.rosters.roster import UNSPECIFIED, Roll, Roster, RosterRow, Unread
from peserta.intake.sheets.cells import Table
from peserta.intake.sheets.fields import ROSTER_FIELDS
from peserta.intake.sheets.layout import Column, Layout, understand
from peserta.intake.sheets.mapping import NOTHING_MAPPED, SheetMapping
from peserta.intake.sheets.rows import RowFate, RowPassed, RowRead, RowRefused, read_rows
from peserta.intake.sheets.sentences import RULE, Remark
from peserta.intake.sheets.table_files import open_table
from peserta.intake.tokens import TokenKey, is_number_in_signs
from schemas.admission import (
    EFFECTIVE_ON_OUT_OF_RANGE,
    INVALID_FIELD,
    NATIONAL_ID,
    is_word,
)
from schemas.dates import EFFECTIVE_FIRST
from schemas.vocabulary import EMPLOYMENT_TYPE_NUMBER, PROGRAMME_BIT

LIST: Final = "programmes"
APP: Final = "JMO"
WORKER_TWICE: Final = "worker_twice"


@dataclass(frozen=True, slots=True)
class RosterSheet:
    """The result of reading a file: `fates` are those of all its rows, in order."""

    table: Table
    layout: Layout
    fates: tuple[RowFate, ...]
    roster: Roster

    @property
    def refused(self) -> list[RowRefused]:
        """The rows that were refused."""
        return [fate for fate in self.fates if isinstance(fate, RowRefused)]


def read_roster(
    path: Path, roll: Roll, *, sheet: str | None = None, mapping: SheetMapping = NOTHING_MAPPED, key: TokenKey | None
) -> RosterSheet:
    """Read a roster. Raises WrongSheet if the file as a whole cannot be read."""
    table = open_table(path, sheet)
    layout = understand(table, ROSTER_FIELDS, mapping)
    fates = tuple(
        _once((_judged(layout, fate) for fate in read_rows(table, layout, key, roll.company_id)), layout.person)
    )
    rows = tuple(_row(fate) for fate in fates if isinstance(fate, RowRead))
    refused = [fate.worker_id for fate in fates if isinstance(fate, RowRefused)]
    unread = Unread(frozenset(worker for worker in refused if worker is not None), None in refused)
    return RosterSheet(table, layout, fates, Roster(roll, rows, _columns(layout, rows), unread))


def _judged(layout: Layout, fate: RowFate) -> RowFate:
    """Refuse a row if the book would refuse its fact: an invalid token, a start before the first valid date."""
    if isinstance(fate, RowPassed):
        return fate
    worker_id = fate.worker_id
    is_token = worker_id is not None and is_word(worker_id) and not is_number_in_signs(worker_id)
    if isinstance(fate, RowRefused):
        return fate if is_token else replace(fate, worker_id=None)
    if worker_id is not None and is_number_in_signs(worker_id):
        return RowRefused(fate.number, NATIONAL_ID, layout.person)
    if not is_token:
        rule = {"field": "worker_id", "rule": Remark(f"{RULE}worker_id")}
        return RowRefused(fate.number, INVALID_FIELD, layout.person, rule)
    if int(fate.values.get("started_on", EFFECTIVE_FIRST)) < EFFECTIVE_FIRST:
        column = layout.columns.get("started_on")
        return RowRefused(fate.number, EFFECTIVE_ON_OUT_OF_RANGE, column, worker_id=worker_id)
    return fate


def _once(fates: Iterable[RowFate], person: Column) -> Iterator[RowFate]:
    """Refuse every row of a worker with several rows, even if one of them was refused already."""
    in_order = list(fates)
    times = Counter(fate.worker_id for fate in in_order if not isinstance(fate, RowPassed))
    for fate in in_order:
        if isinstance(fate, RowRead) and times[fate.worker_id] > 1:
            yield RowRefused(fate.number, WORKER_TWICE, person, worker_id=fate.worker_id)
        else:
            yield fate


def _row(read: RowRead) -> RosterRow:
    values = read.values
    employment_type, started_on = values.get("employment_type"), values.get("started_on")
    return RosterRow(
        read.number,
        read.worker_id,
        UNSPECIFIED if employment_type is None else EMPLOYMENT_TYPE_NUMBER[str(employment_type)],
        int(values.get(LIST, 0)),
        None if started_on is None else int(started_on),
    )


def _columns(layout: Layout, rows: Iterable[RosterRow]) -> int:
    """A mask of the programmes that the file covers.

    A list column covers the app only if one of its cells names it: most sheets list the statutory programmes alone, and
    must not withdraw everybody from the app.
    """
    app = PROGRAMME_BIT[APP]
    if APP in layout.columns or any(row.programmes & app for row in rows):
        return layout.programmes
    return layout.programmes & ~app
