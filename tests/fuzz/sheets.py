"""`python -m tests.fuzz.sheets --count 5000 [--seed N]`: mutated sheets and rosters; ends with 1 if one is misread.

Each file is read as `peserta import` and `peserta roster` read it, shown in both languages, and copied with its notes.
It ends as a refused file, or with exactly one fate for each row. Nothing that is said repeats a number of a person.
Prints how many files and rows were refused for which reason.
"""

import argparse
import io
import logging
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from peserta.cli.import_screen import show_preview
from peserta.cli.roster_sheet import show_sheet
from peserta.cli.roster_words import WORDS
from peserta.cli.screen import out
from peserta.intake.rosters.roster import Roll
from peserta.intake.rosters.sheet import read_roster
from peserta.intake.sheets.annotated import write_annotated
from peserta.intake.sheets.cells import Table, WrongSheet
from peserta.intake.sheets.facts import RowFact, read_facts
from peserta.intake.sheets.fields import FACT_FIELDS
from peserta.intake.sheets.layout import understand
from peserta.intake.sheets.rows import RowPassed, RowRead, RowRefused
from peserta.intake.sheets.sentences import LANGUAGES
from peserta.intake.sheets.table_files import open_table
from peserta.intake.tokens import TokenKey
from peserta.operations.failure import Rejected
from schemas.dates import day, instant
from schemas.fact_json import FactLine, admit, line_of
from tests.fuzz.sheet_files import OF_FACTS, OF_ROSTERS, sheet_file

COUNT: Final = 5_000
SEED: Final = 11
SHOWN_MAX: Final = 5
KEY: Final = TokenKey(bytes(range(32)))
NOW: Final = instant("2025-11-01T00:00:00Z")
ROLL: Final = Roll("C1", day("2025-10-31"))
# A number of 16 or 11 digits that is a word, perhaps with blanks, dots or dashes in it, or stands behind letters.
NUMBER: Final = re.compile(r"(?<![0-9a-f.])(?:[0-9][ .-]?){10}(?:(?:[0-9][ .-]?){5})?[0-9](?![0-9a-f])")


@dataclass
class Findings:
    """What became of files and rows, and what was wrong with it."""

    files: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def fuzz(count: int, seed: int) -> Findings:
    """Read so many files, one after the other: sheets of facts and rosters in turn."""
    found, said = Findings(), io.StringIO()
    log = logging.StreamHandler(said)
    logging.getLogger().addHandler(log)
    try:
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(said), redirect_stderr(said):
            for number in range(count):
                chance, path = random.Random(f"{seed} {number}"), Path(folder) / f"f{number}"
                columns = chance.choice((OF_FACTS, OF_ROSTERS))
                kind, content = sheet_file(chance, columns)
                path.write_bytes(content)
                found.kinds[kind] += 1
                for wrong in _wrong(path, columns, said, found):
                    found.wrong.append(f"file {number} ({kind}, seed {seed}): {wrong}")
                path.unlink()
                said.seek(0)
                said.truncate()
    finally:
        logging.getLogger().removeHandler(log)
    return found


def _wrong(path: Path, columns: Sequence[str], said: io.StringIO, found: Findings) -> Iterator[str]:
    """What a file does not keep of SEMANTICS 10 and 11."""
    read: Callable[[Path, io.StringIO], tuple[Table, Sequence[object], list[str]]]
    read = _facts if columns is OF_FACTS else _roster
    copy = path.with_suffix(".copy.xlsx")
    try:
        table, fates, lines = read(path, said)
        write_annotated(copy, table, fates, "id")
    except WrongSheet as error:
        found.files[error.remark.key] += 1
        said.write("".join(error.remark.sentence(language) for language in LANGUAGES))
        lines = []
    except Rejected as error:
        found.files["other"] += 1
        yield f"refused as {error}"
        return
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        found.files["crashed"] += 1
        yield f"{type(error).__name__} instead of a refusal"
        if not isinstance(error, Exception):
            raise
        return
    else:
        found.files["read"] += 1
        found.rows.update(map(_fate, fates))
        if len(fates) != len(table.rows):
            yield f"{len(fates)} fates of {len(table.rows)} rows"
        width = max(map(len, table.rows), default=0)
        said.write("\n".join(str(cell) for row in open_table(copy).rows for cell in row[width:]))
        copy.unlink()
    yield from _of_lines(lines)
    if NUMBER.search(said.getvalue().replace(path.parent.name, "").replace(path.name, "")):
        yield "a number of a person is said"


def _facts(path: Path, said: io.StringIO) -> tuple[Table, Sequence[object], list[str]]:
    table = open_table(path)
    sheet = read_facts(table, understand(table, FACT_FIELDS), KEY, now=NOW)
    for language in LANGUAGES:
        show_preview(sheet, language)
    return table, sheet.fates, [line_of(each.fact, NOW) for each in sheet.facts]


def _roster(path: Path, said: io.StringIO) -> tuple[Table, Sequence[object], list[str]]:
    sheet = read_roster(path, ROLL, key=KEY)
    for language in LANGUAGES:
        show_sheet(out, WORDS[language], sheet, language)
    return sheet.table, sheet.fates, []


def _of_lines(lines: list[str]) -> Iterator[str]:
    """Every fact of a sheet is one that the recorder takes, and has no number of a person."""
    for line in lines:
        if not isinstance(admit(line.encode()), FactLine):
            yield "a fact that the recorder refuses"
        if NUMBER.search(line):
            yield "a fact with a number of a person"


def _fate(fate: object) -> str:
    if isinstance(fate, RowRefused):
        return f"refused: {fate.reason}"
    if isinstance(fate, RowPassed):
        return f"passed over: {fate.why}"
    assert isinstance(fate, RowRead | RowFact)
    return "read"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Mutated sheets and rosters.")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    found, say = fuzz(asked.count, asked.seed), sys.stdout.write
    say(f"{asked.count} files, seed {asked.seed}\n")
    for name, counts in (("changed", found.kinds), ("files", found.files), ("rows", found.rows)):
        say(f"{name}\n")
        for what, count in counts.most_common():
            say(f"  {what:36} {count:>8}\n")
    for wrong in found.wrong[:SHOWN_MAX]:
        say(f"WRONG: {wrong}\n")
    say(f"{len(found.wrong)} wrong files\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
