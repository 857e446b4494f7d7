"""The SQL of the views of figures, rendered from the vocabulary: what the newest migration of each view must hold.

python -m tests.support.figure_views coverage_daily      prints the statement, for a new migration

A template is the statement with its lists left open. The lines from `--- programme` to `---` are repeated for each
programme, and in the same way for each `employment_type`, `window`, `change` (what a bucket is added up to) and count
of `people` (what a day shows). The last item before FROM loses its comma.
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
from sinks.clickhouse.buckets import CHANGES
from sinks.clickhouse.migrations import migrations

TEMPLATES: Final = Path(__file__).parent / "figure_templates"
PARTS: Final = tuple(sorted(TEMPLATES.glob("*.part")))
VIEWS: Final = tuple(sorted(file.stem for file in TEMPLATES.glob("*.sql")))
TYPE_BITS: Final = 3
TYPE_MASK: Final = (1 << TYPE_BITS) - 1
NEW_MASK: Final = 1 << TYPE_BITS + len(PROGRAMMES)
REQUIRED_MASK: Final = REQUIRED_DEFAULT << TYPE_BITS
_INSIDE: Final = "class_{} != 0"
_COVERED: Final = f"bitAnd(class_{{}}, {REQUIRED_MASK}) = {REQUIRED_MASK}"
_NOT_COVERED: Final = f"bitAnd(class_{{}}, {REQUIRED_MASK}) != {REQUIRED_MASK}"
_OUTSIDE: Final = "class_{} = 0"
# Who is counted, by the number of a class.
_COUNTED: Final[Mapping[str, str]] = {
    "active": _INSIDE,
    "covered": _COVERED,
    "uncovered_new": f"bitAnd(class_{{0}}, {NEW_MASK}) != 0 AND {_NOT_COVERED.format('{0}')}",
    **{
        f"enrolled_{name.lower()}": f"bitTest(class_{{}}, {TYPE_BITS + place})" for place, name in enumerate(PROGRAMMES)
    },
    **{
        f"active_{name}": f"bitAnd(class_{{}}, {TYPE_MASK}) = {number}"
        for number, name in enumerate(EMPLOYMENT_TYPES, start=1)
    },
    **{
        f"covered_{name}": f"bitAnd(class_{{}}, {REQUIRED_MASK | TYPE_MASK}) = {REQUIRED_MASK | number}"
        for number, name in enumerate(EMPLOYMENT_TYPES, start=1)
    },
}
_MOVED: Final[Mapping[str, tuple[str, str]]] = {  # from, to
    "joined": (_OUTSIDE, _INSIDE),
    "left": (_INSIDE, _OUTSIDE),
    "gained_cover": (_NOT_COVERED, _COVERED),
    "lost_cover": (_COVERED, _NOT_COVERED),
}
# What a line changes.
EXPRESSIONS: Final[Mapping[str, str]] = {
    **{
        name: f"quantity * (toInt64({who.format('after')})\n        - toInt64({who.format('before')}))"
        for name, who in _COUNTED.items()
    },
    **{
        name: f"quantity * toInt64({source.format('before')} AND {target.format('after')})"
        for name, (source, target) in _MOVED.items()
    },
}
_CHANGES: Final = [{"@change@": name, "@expression@": EXPRESSIONS[name]} for name in CHANGES]
REPEATED: Final[Mapping[str, Sequence[Mapping[str, str]]]] = {
    "programme": [{"@programme@": name.lower()} for name in PROGRAMMES],
    "employment_type": [{"@employment_type@": name} for name in EMPLOYMENT_TYPES],
    "change": _CHANGES,
    # What a day shows.
    "people": [
        {**each, "@people@": each["@change@"]}
        for each in _CHANGES
        if each["@change@"] in ("active", "covered", "uncovered_new") or each["@change@"].startswith("enrolled_")
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
    filled = _SECTION.sub(_repeated, template.replace("@longest_window@", str(max(WINDOW_DAYS))))
    return _COMMA_BEFORE_FROM.sub("", filled)


def class_column(side: str) -> str:
    """The expression that makes the number of a class from the columns of one side of a line."""
    types = ", ".join(f"'{name}'" for name in EMPLOYMENT_TYPES)
    programmes = "".join(
        f" + {1 << (TYPE_BITS + place)} * has(programmes_{side}, '{name}')" for place, name in enumerate(PROGRAMMES)
    )
    return f"indexOf([{types}], employment_type_{side}){programmes} + {NEW_MASK} * new_{side}"


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
