"""The SQL of the views of figures, rendered from the vocabulary: what the newest migration of each view must hold.

python -m tests.support.figure_views coverage_daily      prints the statement, for a new migration

A template is the statement with its lists left open. The lines from `--- programme` to `---` are repeated for each
programme, and in the same way for each `employment_type` and each `window`. The last item before FROM loses its comma.
`@NAME@` stands for the text of `NAME.part`, which several views have. (They do not ask one another: ClickHouse would
look for a view with parameters, asked by a view, in the database of whoever asks.)

A class is a number in ClickHouse: the place of the employment type (from 1; 0 is OUTSIDE) in the lowest bits, a bit for
each programme, and a bit for new.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from schemas.records import WINDOW_DAYS
from schemas.vocabulary import EMPLOYMENT_TYPES, PROGRAMMES, REQUIRED_DEFAULT
from sinks.clickhouse.migrations import migrations

TEMPLATES: Final = Path(__file__).parent / "figure_templates"
PARTS: Final = tuple(sorted(TEMPLATES.glob("*.part")))
VIEWS: Final = tuple(sorted(file.stem for file in TEMPLATES.glob("*.sql")))
TYPE_BITS: Final = 3
TYPE_MASK: Final = (1 << TYPE_BITS) - 1
NEW_BIT: Final = TYPE_BITS + len(PROGRAMMES)
REQUIRED_MASK: Final = REQUIRED_DEFAULT << TYPE_BITS
NUMBERS: Final[Mapping[str, int]] = {
    "@type_mask@": TYPE_MASK,
    "@new_mask@": 1 << NEW_BIT,
    "@required_mask@": REQUIRED_MASK,
    "@required_and_type_mask@": REQUIRED_MASK | TYPE_MASK,
    "@longest_window@": max(WINDOW_DAYS),
}
REPEATED: Final[Mapping[str, Sequence[Mapping[str, str]]]] = {
    "programme": [
        {"@programme@": name.lower(), "@bit@": str(TYPE_BITS + place)} for place, name in enumerate(PROGRAMMES)
    ],
    "employment_type": [
        {"@employment_type@": name, "@number@": str(number), "@required_and_number@": str(REQUIRED_MASK | number)}
        for number, name in enumerate(EMPLOYMENT_TYPES, start=1)
    ],
    "window": [{"@window@": str(days), "@window_less_1@": str(days - 1)} for days in WINDOW_DAYS],
}

_SECTION = re.compile(r"^--- (\w+)\n(.*?)^---\n", re.MULTILINE | re.DOTALL)
_COMMA_BEFORE_FROM = re.compile(r",(?=\s+FROM\b)")


def rendered(view: str) -> str:
    """The statement that makes the view, with the placeholders of migrations."""
    template = (TEMPLATES / f"{view}.sql").read_text(encoding="utf-8")
    for part in PARTS:
        template = template.replace(f"@{part.stem}@", part.read_text(encoding="utf-8").rstrip())
    filled = _SECTION.sub(_repeated, _filled(template, {mark: str(number) for mark, number in NUMBERS.items()}))
    return _COMMA_BEFORE_FROM.sub("", filled)


def class_column(side: str) -> str:
    """The expression that makes the number of a class from the columns of one side of a line."""
    types = ", ".join(f"'{name}'" for name in EMPLOYMENT_TYPES)
    programmes = "".join(
        f" + {1 << (TYPE_BITS + place)} * has(programmes_{side}, '{name}')" for place, name in enumerate(PROGRAMMES)
    )
    return f"indexOf([{types}], employment_type_{side}){programmes} + {1 << NEW_BIT} * new_{side}"


def newest(view: str) -> str:
    """The last statement among the migrations that makes the view."""
    return list(_definitions(view))[-1]


def _definitions(view: str) -> Iterator[str]:
    made = re.compile(rf"^CREATE (?:OR REPLACE )?VIEW (?:IF NOT EXISTS )?{view}\b.*?;\n", re.MULTILINE | re.DOTALL)
    for migration in migrations():
        yield from made.findall(migration.text)


def _repeated(section: re.Match[str]) -> str:
    return "".join(_filled(section[2], words) for words in REPEATED[section[1]])


def _filled(lines: str, words: Mapping[str, str]) -> str:
    for mark, word in words.items():
        lines = lines.replace(mark, word)
    return lines


if __name__ == "__main__":
    sys.stdout.write("\n".join(map(rendered, sys.argv[1:] or VIEWS)))
