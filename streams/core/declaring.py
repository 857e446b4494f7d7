"""How the mappings that people write are read: values, fields, and lists of entries, all or none (SEMANTICS 6).

The first wrong value raises `WrongEntry`, which names entry and field. The parser passes text only where every reader
of YAML finds text; what one of them takes for something else is `Unquoted`. Files of policies, of companies and of
subscriptions are read in this way.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date as calendar_date
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from schemas.dates import EPOCH_ORDINAL, day
from schemas.records import Day, Scope
from streams.core.reference_rules import (
    Broken,
    Check,
    Path,
    Unquoted,
    field_name,
    not_a_list,
    one_of,
    shown,
    some,
)

_WHOLE: Final = re.compile(r"[0-9]+(_[0-9]+)*")

T = TypeVar("T")
Read = Callable[[Any], Any]


class WrongEntry(Exception):
    """What is wrong in a file, in which entry and which field.

    `path` leads there from the top of the file: positions in lists, from 0, and keys of mappings."""

    def __init__(self, entry: str, field: str, what: str, path: Path = ()) -> None:
        super().__init__(f"{entry}: {field}: {what}" if field else f"{entry}: {what}")
        self.entry = entry
        self.field = field
        self.path = path


class Field(NamedTuple):
    """How a field is read, and its default."""

    read: Read
    default: Any = ...  # ... : the field must be there


# ---------------------------------------------------------------- values: how they are written


def text(value: Any) -> str:
    if not isinstance(value, str):
        quoted = f' ("{shown(value)}")' if isinstance(value, Unquoted) else ""
        raise Broken("must be text", f", not {shown(value)}: write it in quotes{quoted}")
    return value


def whole(value: Any, *, highest: int) -> int:
    if isinstance(value, Unquoted) and _WHOLE.fullmatch(value.text) and not value.text.startswith("0"):
        raise Broken(f"must lie in 0 to {highest}", f", not {shown(value)}")  # too long to be read
    if isinstance(value, bool) or not isinstance(value, int):
        raise Broken("must be a whole number in decimal digits", f", not {shown(value)}{_without_zeros(value)}")
    return value


def _without_zeros(value: Any) -> str:
    """How to write a number that has zeros before it: YAML 1.1 takes it for an octal one."""
    if not isinstance(value, Unquoted) or not _WHOLE.fullmatch(value.text) or not value.text.startswith("0"):
        return ""
    return f": write {shown(Unquoted(value.text.lstrip('0_') or '0'))}"


def date(value: Any) -> Day:
    text = value.text if isinstance(value, Unquoted) else value
    if isinstance(text, str):
        try:
            return day(text)
        except ValueError:
            pass  # refused below, as every other value
    raise Broken("must be a date, YYYY-MM-DD", f", not {shown(value)}")


def word(value: Any, *, words: tuple[str, ...]) -> str:
    one_of(value, words=words)
    return str(value)


def list_of(value: Any, *, read: Callable[[Any], T]) -> tuple[T, ...]:
    if not isinstance(value, list):
        raise not_a_list(value)
    some(value)
    entries = []
    for number, entry in enumerate(value):
        try:
            entries.append(read(entry))
        except Broken as broken:
            raise broken.within(number) from None
    return tuple(entries)


def list_or_none(value: Any, *, read: Callable[[Any], T]) -> tuple[T, ...]:
    return () if value == [] else list_of(value, read=read)


def scope(value: Any) -> Scope:
    texts: Read = partial(list_of, read=text)
    fields = dict.fromkeys(("company_ids", "regencies", "kbli_prefixes"), Field(texts, None))
    return Scope(**read_mapping(value, fields))


def or_null(read: Read) -> Read:
    return lambda value: None if value is None else read(value)


# ---------------------------------------------------------------- mappings and entries


def read_mapping(value: Any, fields: Mapping[str, Field], rules: Mapping[str, Check] | None = None) -> dict[str, Any]:
    """A mapping with just these keys -> their values, which keep the rules."""
    if not isinstance(value, dict):
        raise Broken("must be a mapping", f", not {shown(value)}")
    for name in value:
        if name not in fields:
            raise Broken("is no field", f"; there are {', '.join(fields)}", (name,))
    read = {}
    for name, field in fields.items():
        if name not in value:
            if field.default is ...:
                raise Broken("is missing", "", (name,))
            read[name] = field.default
            continue
        try:
            read[name] = field.read(value[name])
            if rules is not None:
                rules[name](read[name])
        except Broken as broken:
            raise broken.within(name) from None
    return read


def read_entries(entries: Any, read: Callable[[Any], T], id_field: str, most: int) -> tuple[T, ...]:
    if entries is None:
        return ()
    if not isinstance(entries, list) or len(entries) > most:
        raise WrongEntry("the file", "", f"must be a list of at most {most} mappings, not {shown(entries)}")
    seen: dict[str, int] = {}
    records = []
    for number, entry in enumerate(entries, 1):
        name = entry_name(number, entry.get(id_field) if isinstance(entry, dict) else None)
        try:
            record = read(entry)
        except Broken as broken:
            raise WrongEntry(name, field_name(broken.path), str(broken), (number - 1, *broken.path)) from None
        record_id = getattr(record, id_field)
        if record_id in seen:
            what = f"is that of entry {seen[record_id]} as well"
            raise WrongEntry(name, id_field, what, (number - 1, id_field))
        seen[record_id] = number
        records.append(record)
    return tuple(records)


def entry_name(number: int, entry_id: Any) -> str:
    """An entry in a message: its place in the file, from 1, and its id when it has one."""
    return f"entry {number} ({shown(entry_id)})" if isinstance(entry_id, str) else f"entry {number}"


# ---------------------------------------------------------------- as it is written


def written_date(on: Day) -> calendar_date:
    return calendar_date.fromordinal(on + EPOCH_ORDINAL)
