"""Policies and registry as people write them (SEMANTICS 6): parsed YAML -> records, or what is wrong and where.

Nothing is half taken: the first thing that is wrong raises `WrongEntry`, which names entry and field. Whoever parses
hands over text only where every reader of YAML finds text; what one of them takes for something else is `Unquoted`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from schemas.admission import ID_LENGTH_MAX, is_text
from schemas.dates import day, day_text
from schemas.mappings import company_mapping, policy_mapping
from schemas.records import Baseline, Company, Day, Policy, Scope
from schemas.vocabulary import (
    ALL_EMPLOYMENT_TYPES,
    CLOCKS,
    EMPLOYMENT_TYPE_NUMBER,
    EMPLOYMENT_TYPES,
    PROGRAMME_BIT,
    PROGRAMMES,
    REQUIRED_DEFAULT,
    RULES,
)
from streams.core.rules import WHOLE_BP

THRESHOLD_BP_MAX: Final = {rule: 100 * WHOLE_BP if rule == "growth" else WHOLE_BP for rule in RULES}
VERSION_MAX: Final = 1_000_000
HOLD_DAYS_MAX: Final = 3_650
HEADCOUNT_MAX: Final = 1_000_000_000
TEXT_LENGTH_MAX: Final = 1_000  # code points of a title or a name
ENTRIES_OF_A_LIST_MAX: Final = 10_000
POLICIES_MAX: Final = 1_000

_POLICY_ID_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")

_WHOLE: Final = re.compile(r"[0-9]+(_[0-9]+)*")

T = TypeVar("T")
Read = Callable[[Any], Any]
Path = tuple[int | str, ...]


class Unquoted(NamedTuple):
    """A scalar without quotes that some reader of YAML takes for a number, a date or a truth, and no whole number."""

    text: str

    def __repr__(self) -> str:
        return self.text


class WrongEntry(Exception):
    """What is wrong in a file of policies or companies. `entry` says which one, `field` which field of it.

    `path` leads there from the top of the file: positions in lists, from 0, and keys of mappings."""

    def __init__(self, entry: str, field: str, what: str, path: Path = ()) -> None:
        super().__init__(f"{entry}: {field}: {what}" if field else f"{entry}: {what}")
        self.entry = entry
        self.field = field
        self.path = path


class BrokenRule(NamedTuple):
    """A field of a policy or company, and its rule in a few words: never the value that breaks it."""

    field: str
    rule: str


class _Wrong(Exception):
    """A value that is not what its field takes: the rule, and behind it what may only be said to who wrote the file.

    `path` leads from the entry to the value."""

    def __init__(self, rule: str, more: str = "", path: Path = ()) -> None:
        super().__init__(rule + more)
        self.rule = rule
        self.more = more
        self.path = path

    def within(self, step: int | str) -> "_Wrong":
        """The same, seen from one level further out."""
        return _Wrong(self.rule, self.more, (step, *self.path))


class Field(NamedTuple):
    """How a field is read, and what holds when it is not there."""

    read: Read
    default: Any = ...  # ... : the field must be there


# ---------------------------------------------------------------- values


def _text(value: Any, *, length_max: int = TEXT_LENGTH_MAX) -> str:
    if not isinstance(value, str):
        quoted = f' ("{shown(value)}")' if isinstance(value, Unquoted) else ""
        raise _Wrong("must be text", f", not {shown(value)}: write it in quotes{quoted}")
    if not 1 <= len(value) <= length_max:
        raise _Wrong(f"must have 1 to {length_max} characters")
    if not is_text(value):
        raise _Wrong("has half a character in it (a lone surrogate)")
    return value


def _company_id(value: Any) -> str:
    text = _text(value, length_max=ID_LENGTH_MAX)
    if any(c.isspace() for c in text):
        raise _Wrong("must not have white space in it")
    return text


def _policy_id(value: Any) -> str:
    text = _text(value, length_max=ID_LENGTH_MAX)
    if not _POLICY_ID_CHARACTERS.issuperset(text):
        raise _Wrong("may have letters, digits and . _ - only")
    return text


def _whole(value: Any, *, highest: int) -> int:
    if isinstance(value, Unquoted) and _WHOLE.fullmatch(value.text) and not value.text.startswith("0"):
        raise _Wrong(f"must lie in 0 to {highest}", f", not {shown(value)}")  # too long to be read
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Wrong("must be a whole number in decimal digits", f", not {shown(value)}{_without_zeros(value)}")
    if not 0 <= value <= highest:
        raise _Wrong(f"must lie in 0 to {highest}", f", not {shown(value)}")
    return value


def _without_zeros(value: Any) -> str:
    """How to write a number that has zeros before it: YAML 1.1 takes it for an octal one."""
    if not isinstance(value, Unquoted) or not _WHOLE.fullmatch(value.text) or not value.text.startswith("0"):
        return ""
    return f": write {shown(Unquoted(value.text.lstrip('0_') or '0'))}"


def _date(value: Any) -> Day:
    text = value.text if isinstance(value, Unquoted) else value
    if isinstance(text, str):
        try:
            return day(text)
        except ValueError:
            pass  # said below, as for every other value
    raise _Wrong("must be a date, YYYY-MM-DD", f", not {shown(value)}")


def _one_of(value: Any, *, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise _Wrong(f"must be one of {', '.join(words)}", f", not {shown(value)}")
    return value


def _list(value: Any, *, read: Callable[[Any], T]) -> tuple[T, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= ENTRIES_OF_A_LIST_MAX:
        raise _Wrong(f"must be a list of 1 to {ENTRIES_OF_A_LIST_MAX}", f", not {shown(value)}")
    entries = []
    for number, entry in enumerate(value):
        try:
            entries.append(read(entry))
        except _Wrong as wrong:
            raise wrong.within(number) from None
    return tuple(entries)


def _programmes(value: Any) -> int:
    return sum(PROGRAMME_BIT[name] for name in set(_list(value, read=partial(_one_of, words=PROGRAMMES))))


def _employment_types(value: Any) -> int:
    if value == "all":
        return ALL_EMPLOYMENT_TYPES
    names = set(_list(value, read=partial(_one_of, words=EMPLOYMENT_TYPES)))
    return sum(1 << EMPLOYMENT_TYPE_NUMBER[name] for name in names)


def _scope(value: Any) -> Scope:
    texts: Read = partial(_list, read=_text)
    fields = dict.fromkeys(("company_ids", "regencies", "kbli_prefixes"), Field(texts, None))
    return Scope(**_read(value, fields))


def _baselines(value: Any) -> tuple[Baseline, ...]:
    baselines = tuple(map(_baseline, value)) if value == [] else _list(value, read=_baseline)
    if len({(b.on, b.required) for b in baselines}) < len(baselines):
        raise _Wrong("has two baselines for one date and the same required programmes")
    return baselines


def _baseline(value: Any) -> Baseline:
    fields = _read(value, _BASELINE)
    fields["on"] = fields.pop("date")
    baseline = Baseline(**fields)
    if baseline.covered + baseline.uncovered_new > baseline.active:
        raise _Wrong("covered and uncovered_new together are more than active")
    return baseline


def _contacts(value: Any) -> tuple[str, ...]:
    return () if value == [] else _list(value, read=_text)


def _or_null(read: Read) -> Read:
    return lambda value: None if value is None else read(value)


_headcount: Final = partial(_whole, highest=HEADCOUNT_MAX)

_date_or_null: Final = _or_null(_date)
_DATES: Final = (_date, _date_or_null)

_BASELINE: Final = {
    "date": Field(_date),
    "active": Field(_headcount),
    "covered": Field(_headcount),
    "uncovered_new": Field(_headcount, 0),
    "required": Field(_programmes, REQUIRED_DEFAULT),
}
_COMPANY: Final = {
    "company_id": Field(_company_id),
    "name": Field(_or_null(_text), None),
    "kbli": Field(_or_null(_text), None),
    "regency": Field(_or_null(_text), None),
    "baselines": Field(_baselines, ()),
    "contacts": Field(_contacts, ()),
}
_POLICY: Final = {
    "policy_id": Field(_policy_id),
    "version": Field(partial(_whole, highest=VERSION_MAX), 1),
    "title": Field(_text, ""),
    "rule": Field(partial(_one_of, words=RULES), "level"),
    "threshold_bp": Field(partial(_whole, highest=max(THRESHOLD_BP_MAX.values()))),
    "required": Field(_programmes, REQUIRED_DEFAULT),
    "clock": Field(partial(_one_of, words=CLOCKS), "raw"),
    "employment_types": Field(_employment_types, ALL_EMPLOYMENT_TYPES),
    "scope": Field(_scope, Scope()),
    "min_active": Field(_headcount, 5),
    "hysteresis_bp": Field(partial(_whole, highest=max(THRESHOLD_BP_MAX.values())), 200),
    "hold_days": Field(partial(_whole, highest=HOLD_DAYS_MAX), 0),
    "effective_from": Field(_date),
    "effective_until": Field(_date_or_null, None),
    "baseline_on": Field(_date_or_null, None),
}


def _read(value: Any, fields: Mapping[str, Field]) -> dict[str, Any]:
    """A mapping with just these keys -> their values."""
    if not isinstance(value, dict):
        raise _Wrong("must be a mapping", f", not {shown(value)}")
    for name in value:
        if name not in fields:
            raise _Wrong("is no field", f"; there are {', '.join(fields)}", (name,))
    read = {}
    for name, field in fields.items():
        if name not in value and field.default is ...:
            raise _Wrong("is missing", "", (name,))
        try:
            read[name] = field.read(value[name]) if name in value else field.default
        except _Wrong as wrong:
            raise wrong.within(name) from None
    return read


def shown(value: Any) -> str:
    """A wrong value in a message: short, and never a long number, which may be somebody's."""
    if isinstance(value, list | dict):
        return f"a {'list' if isinstance(value, list) else 'mapping'} of {len(value)}"
    if value is None:
        return "nothing"
    text = repr(value)
    kind = "long value" if isinstance(value, Unquoted) else type(value).__name__
    return f"a {kind}" if len(text) > 40 or sum(c.isdigit() for c in text) > 10 else text


def field_name(path: Path) -> str:
    """The field that a path within an entry leads to, as a message names it."""
    return ".".join(shown(step).strip("'") for step in path if not isinstance(step, int))


# ---------------------------------------------------------------- entries


def _policy(value: Any) -> Policy:
    fields = _read(value, _POLICY)
    policy = Policy(**{**fields, "title": fields["title"] or fields["policy_id"]})
    highest = THRESHOLD_BP_MAX[policy.rule]
    if policy.threshold_bp > highest:
        raise _Wrong(f"must lie in 0 to {highest} for {policy.rule}", f", not {policy.threshold_bp}", ("threshold_bp",))
    if policy.rule != "level" and policy.baseline_on is None:
        raise _Wrong(f"is missing: the rule {policy.rule} needs it", "", ("baseline_on",))
    if policy.effective_until is not None and policy.effective_until < policy.effective_from:
        raise _Wrong("lies before effective_from", "", ("effective_until",))
    return policy


def _company(value: Any) -> Company:
    return Company(**_read(value, _COMPANY))


def policies(entries: Any) -> tuple[Policy, ...]:
    """The parsed YAML of a policy file -> its policies; WrongEntry."""
    return _entries(entries, _policy, "policy_id", POLICIES_MAX)


def companies(entries: Any) -> tuple[Company, ...]:
    """The parsed YAML of a registry -> its companies; WrongEntry."""
    return _entries(entries, _company, "company_id", HEADCOUNT_MAX)


def _entries(entries: Any, read: Callable[[Any], T], id_field: str, most: int) -> tuple[T, ...]:
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
        except _Wrong as wrong:
            raise WrongEntry(name, field_name(wrong.path), str(wrong), (number - 1, *wrong.path)) from None
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


# ---------------------------------------------------------------- records that came another way than by a file


def broken_rule(record: Policy | Company) -> BrokenRule | None:
    """The first rule of a file that this record breaks; None for a record that a file could have held."""
    wanted: Policy | Company
    try:
        if isinstance(record, Policy):
            wanted = replace(record, title=record.title or record.policy_id)
            read: Policy | Company = _policy(_as_written(policy_mapping(record), _POLICY))
        else:
            wanted, read = record, _company(_as_written(company_mapping(record), _COMPANY))
    except _Wrong as wrong:
        return BrokenRule(field_name(wrong.path), wrong.rule)
    unlike = (field.name for field in fields_of(wanted) if getattr(wanted, field.name) != getattr(read, field.name))
    return next((BrokenRule(name, "is none that a file can hold") for name in unlike), None)


def _as_written(fields: dict[str, Any], known: Mapping[str, Field]) -> dict[str, Any]:
    """The mapping of a record as its YAML would be: dates as texts, nothing said where nothing is."""
    written: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "scope":
            written[name] = {key: wanted for key, wanted in value.items() if wanted is not None}
        elif name == "baselines":
            written[name] = [{**b, "date": _day_written(b["on"])} for b in value]
            for baseline in written[name]:
                del baseline["on"]
        elif value is not None and known[name].read in _DATES:
            written[name] = _day_written(value)
        elif value != "" or name != "title":
            written[name] = value
    return written


def _day_written(on: Day) -> str:
    """A day as text; what is no day of the calendar is a text that is no date."""
    try:
        return day_text(on)
    except (ValueError, OverflowError):
        return "no day"
