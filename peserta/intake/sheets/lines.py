"""The facts of a sheet as numbered lines of JSON, in row order, as `publish` sends them."""

from collections.abc import Iterator, Sequence

from peserta.intake.fact_files import Place
from peserta.intake.sheets.facts import RowFact
from schemas.fact_json import line_of


class SheetLines:
    """Lines whose numbers are those of their rows."""

    def __init__(self, file: str, facts: Sequence[RowFact]) -> None:
        self._file, self._facts = file, facts
        self.bytes_read = 0
        self.bytes_total: int | None = None

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        for found in self._facts:
            line = line_of(found.fact).encode()
            self.bytes_read += len(line)
            yield found.number, line

    def place(self, number: int) -> Place:
        """The row of a line."""
        return Place(self._file, number)

    def without_facts(self) -> list[str]:
        """The file, if it has no facts."""
        return [] if self._facts else [self._file]
