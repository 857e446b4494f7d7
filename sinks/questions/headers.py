"""The header of a question's file: what program and docs say about it stands there, and only there.

Form, in SQL comments: the title; one sentence; a table of parameters (PARAMETERS is its head), a line each; a table of
columns (COLUMNS is its head), a line each. A blank comment separates the parts. After the header comes one SELECT.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
DATE, INSTANT, TEXT, NUMBER = "date", "instant", "text", "number"
MONTH, RUPIAH = "month", "rupiah"
RATES: Final = "rates"  # contribution rates as JSON: the installation's, which no caller gives
FLAG: Final = "flag"  # no value of the SELECT: with it, the question NAME_FLAG is answered
TURN: Final = "turn"  # what a program sets to ask about a part of the workers: the numbers `turn` and `turns`
CHOICE: Final = "one of "  # and the words, separated by commas
REQUIRED: Final = "-"  # no default
LATEST: Final = "latest"  # the latest business date of any company
EVERYTHING: Final = "everything"  # everything recorded
NO: Final = "no"  # of a flag
EMPTY: Final = "any"  # the empty text, which restricts nothing
# In a SELECT about workers: the last thing that is named before the last step. Its rows come from single companies, or
# from single workers.
PART_OF_COMPANIES: Final = "of_companies"
PART_OF_WORKERS: Final = "of_workers"
LAST_STEP: Final = "SELECT"
PART_END: Final = f"\n    )\n{LAST_STEP}"
COMPANY_PARAMETER: Final = "company"  # one company; empty: all. A part takes several, with a space between
COMPANY_COLUMNS: Final = frozenset(("company_id", "from_company", "to_company"))
NO_UNIT: Final = "-"
WORKER_COLUMN: Final = "worker_id"
OF_AS_OF: Final = "of as_of"  # the month of as_of
OF_REGENCY: Final = "of the regency"  # the empty text: each company's own
INSTALLED: Final = "of the installation"
PARAMETERS: Final = ("parameter", "kind", "default", "meaning")
COLUMNS: Final = ("column", "unit", "meaning")
_COMMENT: Final = "--"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter. `default` is a value, or one of the words above."""

    name: str
    kind: str
    default: str
    meaning: str

    @property
    def is_required(self) -> bool:
        return self.default == REQUIRED

    @property
    def choices(self) -> tuple[str, ...]:
        """The words of which one may be given; none for a kind that has no list."""
        return tuple(self.kind.removeprefix(CHOICE).split(", ")) if self.kind.startswith(CHOICE) else ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the answer; `unit` is - where there is none."""

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question: `sentence` says what it answers, `text` is its file, `select` the file without its header."""

    name: str
    title: str
    sentence: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    select: str
    text: str

    @property
    def asked(self) -> tuple[Parameter, ...]:
        """The parameters that whoever asks may give; the others are the installation's, or a program's."""
        return tuple(each for each in self.parameters if each.default != INSTALLED and each.kind != TURN)

    @property
    def companies(self) -> tuple[str, ...]:
        """The columns that name companies; none where a row speaks of many together."""
        return tuple(column.name for column in self.columns if column.name in COMPANY_COLUMNS)

    @property
    def part(self) -> str | None:
        """The SELECT of its part about single companies or workers, if it has one: `put_together` makes the answer of
        its rows, also when they were found for some companies or workers after others."""
        head, name, _ = self._steps
        return f"{head}SELECT *\nFROM {name}" if head else None

    @property
    def is_of_workers(self) -> bool:
        """Whether its part is about single workers, in whatever companies they are."""
        return self._steps[1] == PART_OF_WORKERS

    def put_together(self, rows: str) -> str:
        """The SELECT of the answer, of a SELECT with all rows of the part."""
        head, name, last = self._steps
        assert head, f"{self.name} has no part"
        return f"WITH {name} AS (\n{rows}\n)\n{last}"

    @property
    def _steps(self) -> tuple[str, str, str]:
        """The SELECT up to the end of the part, the part's name, and the last step; only the last without a part."""
        head, end, rest = self.select.rpartition(PART_END)
        for name in (PART_OF_COMPANIES, PART_OF_WORKERS):
            if f"\n    {name} AS\n" in head:
                return f"{head}{end.removesuffix(LAST_STEP)}", name, f"{LAST_STEP}{rest}"
        return "", "", self.select

    @property
    def names_workers(self) -> bool:
        """Whether a row has the token of a worker."""
        return any(column.name == WORKER_COLUMN for column in self.columns)


@cache
def questions() -> tuple[Question, ...]:
    """All questions, by name."""
    return tuple(question_of(file.stem, file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.sql")))


def question_of(name: str, text: str) -> Question:
    """A question from the text of its file; AssertionError for a file of another form."""
    lines = text.splitlines()
    head = 0
    while head < len(lines) and lines[head].startswith(_COMMENT):
        head += 1
    parts = "\n".join(line.removeprefix(_COMMENT).strip() for line in lines[:head]).split("\n\n")
    assert len(parts) == 4, f"{name}: a header has title, sentence, parameters and columns"
    title, sentence, parameters, columns = (part.split("\n") for part in parts)
    return Question(
        name,
        " ".join(title),
        " ".join(sentence),
        tuple(Parameter(*cells) for cells in _rows(name, parameters, PARAMETERS)),
        tuple(Column(*cells) for cells in _rows(name, columns, COLUMNS)),
        "\n".join(lines[head:]).strip().removesuffix(";"),
        text,
    )


def _rows(name: str, lines: list[str], head: tuple[str, ...]) -> list[list[str]]:
    """The lines below the head of a table; a line that begins with `|` goes on with the last cell."""
    rows: list[list[str]] = []
    for line in lines:
        if line.startswith("|"):
            rows[-1][-1] += f" {line.removeprefix('|').strip()}"
        else:
            rows.append([cell.strip() for cell in line.split("|")])
    assert rows and tuple(rows[0]) == head, f"{name}: the table begins with {' | '.join(head)}"
    assert all(len(cells) == len(head) for cells in rows), f"{name}: a line has {len(head)} cells"
    return rows[1:]
