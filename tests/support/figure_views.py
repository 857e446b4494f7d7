"""The SQL of the views of figures, rendered from the vocabulary: what the newest migration of each view must hold.

python -m tests.support.figure_views coverage_daily      prints the statement, for a new migration

A template is the statement with its lists left open. The lines from `--- programme` to `---` are repeated for each
programme, and in the same way for each `employment_type` and each `window`. The last item before FROM loses its comma.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from schemas.records import WINDOW_DAYS
from schemas.vocabulary import EMPLOYMENT_TYPES, PROGRAMMES, REQUIRED_DEFAULT, programme_names
from sinks.clickhouse.migrations import migrations

TEMPLATES: Final = Path(__file__).parent / "figure_templates"
VIEWS: Final = tuple(sorted(file.stem for file in TEMPLATES.glob("*.sql")))
REPEATED: Final[Mapping[str, Sequence[Mapping[str, str]]]] = {
    "programme": [{"@PROGRAMME@": name, "@programme@": name.lower()} for name in PROGRAMMES],
    "employment_type": [{"@employment_type@": name} for name in EMPLOYMENT_TYPES],
    "window": [{"@window@": str(days), "@window_less_1@": str(days - 1)} for days in WINDOW_DAYS],
}

_SECTION = re.compile(r"^--- (\w+)\n(.*?)^---\n", re.MULTILINE | re.DOTALL)
_COMMA_BEFORE_FROM = re.compile(r",(?=\s+FROM\b)")


def rendered(view: str) -> str:
    """The statement that makes the view, with the placeholders of migrations."""
    template = (TEMPLATES / f"{view}.sql").read_text(encoding="utf-8")
    required = ", ".join(f"'{name}'" for name in programme_names(REQUIRED_DEFAULT))
    filled = _SECTION.sub(_repeated, template.replace("@required@", required))
    return _COMMA_BEFORE_FROM.sub("", filled)


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
