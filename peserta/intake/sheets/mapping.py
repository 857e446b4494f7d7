"""A mapping file: the meaning of a sheet's own columns and words, in YAML. A file with an error is refused whole."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from peserta.intake.sheets.cells import COLUMNS_MAX, WrongSheet, shown
from peserta.intake.sheets.fields import NO, PERSON_FIELDS, SYNONYMS, WORDS, YES, normalised
from peserta.operations.yaml_document import Document, NotYaml, WrongMapping
from schemas.vocabulary import PROGRAMMES
from streams.core.reference_rules import Unquoted

MAPPING_BYTES_MAX: Final = 256 * 1024

DAY_FIRST: Final = "day_first"
MONTH_FIRST: Final = "month_first"
DATES: Final = (DAY_FIRST, MONTH_FIRST)

_KEYS: Final = ("fields", "values", "constants", "dates")
_LETTERS: Final = re.compile(r"[A-Za-z]{1,3}")


@dataclass(frozen=True, slots=True)
class SheetMapping:
    """The content of a mapping file; it may be empty.

    `fields`: field -> name of its column, or its letters. `values`: field -> word of the sheet (normalised) -> value.
    `constants`: field -> text for every row. `dates`: how `01/02/2025` is read, or None.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    dates: str | None = None


NOTHING_MAPPED: Final = SheetMapping()


def read_mapping(path: Path) -> SheetMapping:
    """Read a mapping file. Raises WrongSheet, which names the file and the wrong key."""
    try:
        with path.open("rb") as file:
            text = file.read(MAPPING_BYTES_MAX + 1)
    except OSError as error:
        raise _wrong(path, "", f"cannot be read ({error.strerror})") from error
    if len(text) > MAPPING_BYTES_MAX:
        raise _wrong(path, "", f"has more than {MAPPING_BYTES_MAX} bytes")
    try:
        found = Document(text).value()
    except (NotYaml, WrongMapping) as error:
        raise _wrong(path, "" if error.line is None else f"line {error.line}", str(error)) from error
    if not isinstance(found, dict):
        raise _wrong(path, "", "must be a mapping with the keys " + ", ".join(_KEYS))
    for key in found:
        if key not in _KEYS:
            raise _wrong(path, shown(key), "is no key of a mapping file; there are " + ", ".join(_KEYS))
    dates = found.get("dates")
    if dates not in (None, *DATES):
        raise _wrong(path, "dates", f"must be one of {', '.join(DATES)}")
    fields = _fields(path, found.get("fields"))
    return SheetMapping(fields, _values(path, found.get("values")), _constants(path, found.get("constants")), dates)


def column_index(text: str) -> int | None:
    """The column (from 0) with these letters; None if they are not a column's."""
    if not _LETTERS.fullmatch(text):
        return None
    index = 0
    for letter in text.upper():
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1 if index <= COLUMNS_MAX else None


def _fields(path: Path, found: Any) -> dict[str, str]:
    fields = {key: _text(path, "fields", key, value) for key, value in _section(path, "fields", found).items()}
    if len({normalised(name) for name in fields.values()}) < len(fields):
        raise _wrong(path, "fields", "names one column for two fields")
    people = [key for key in fields if key in PERSON_FIELDS]
    if len(people) > 1:
        raise _wrong(path, "fields", f"names more than one column of people: {', '.join(people)}")
    return fields


def _constants(path: Path, found: Any) -> dict[str, str]:
    section = _section(path, "constants", found)
    for key in section:
        if key in PERSON_FIELDS or key in PROGRAMMES or key == "event_id":
            raise _wrong(path, f"constants: {key}", "cannot be the same in every row")
    return {key: _text(path, "constants", key, value) for key, value in section.items()}


def _values(path: Path, found: Any) -> dict[str, dict[str, str]]:
    values = {}
    for key, words in _section(path, "values", found).items():
        if not isinstance(words, dict) or (key not in WORDS and key not in PROGRAMMES):
            raise _wrong(path, f"values: {key}", f"must be a mapping, of one of {', '.join((*WORDS, *PROGRAMMES))}")
        values[key] = {normalised(word): _text(path, f"values: {key}", shown(word), to) for word, to in words.items()}
        for to in values[key].values():
            if normalised(to) not in (WORDS[key] if key in WORDS else YES | NO):
                known = sorted(set(WORDS[key].values())) if key in WORDS else ("yes", "no")
                raise _wrong(path, f"values: {key}", f"each word must stand for one of {', '.join(known)}")
    return values


def _section(path: Path, name: str, found: Any) -> dict[str, Any]:
    """A section of the file: a mapping with fields as keys."""
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _wrong(path, name, "must be a mapping")
    for key in found:
        if key not in SYNONYMS:
            raise _wrong(path, f"{name}: {shown(key)}", f"is no field; there are {', '.join(SYNONYMS)}")
    return found


def _text(path: Path, name: str, key: str, value: Any) -> str:
    if isinstance(value, Unquoted):
        return value.text
    if isinstance(value, str | int) and str(value).strip():
        return str(value)
    raise _wrong(path, f"{name}: {key}", "must be a text")


def _wrong(path: Path, where: str, what: str) -> WrongSheet:
    return WrongSheet("wrong_mapping", file=path, where=f"{where}: " if where else "", what=what)
