"""Policies and registry as people write them (SEMANTICS 6): the mappings of a YAML file -> records, and back.

Reading takes everything or nothing: the first wrong value raises `WrongEntry`, which names entry and field. What a
field may say is in streams.core.reference_rules; here is how it is written. The parser passes text only where every
reader of YAML finds text; what one of them takes for something else is `Unquoted`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date as calendar_date
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from schemas.dates import EPOCH_ORDINAL, day
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
from streams.core.reference_rules import (
    COMPANY_RULES,
    HEADCOUNT_MAX,
    HOLD_DAYS_MAX,
    POLICY_RULES,
    THRESHOLD_BP_MAX,
    VERSION_MAX,
    Broken,
    Check,
    Path,
    Unquoted,
    field_name,
    not_a_list,
    one_of,
    policy_as_a_whole,
    shown,
    some,
)

POLICIES_MAX: Final = 1_000

_WHOLE: Final = re.compile(r"[0-9]+(_[0-9]+)*")

T = TypeVar("T")
Read = Callable[[Any], Any]


class WrongEntry(Exception):
    """What is wrong in a file of policies or companies, in which entry and which field.

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


def _text(value: Any) -> str:
    if not isinstance(value, str):
        quoted = f' ("{shown(value)}")' if isinstance(value, Unquoted) else ""
        raise Broken("must be text", f", not {shown(value)}: write it in quotes{quoted}")
    return value


def _whole(value: Any, *, highest: int) -> int:
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


def _date(value: Any) -> Day:
    text = value.text if isinstance(value, Unquoted) else value
    if isinstance(text, str):
        try:
            return day(text)
        except ValueError:
            pass  # refused below, as every other value
    raise Broken("must be a date, YYYY-MM-DD", f", not {shown(value)}")


def _word(value: Any, *, words: tuple[str, ...]) -> str:
    one_of(value, words=words)
    return str(value)


def _list(value: Any, *, read: Callable[[Any], T]) -> tuple[T, ...]:
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


def _list_or_none(value: Any, *, read: Callable[[Any], T]) -> tuple[T, ...]:
    return () if value == [] else _list(value, read=read)


def _programmes(value: Any) -> int:
    return sum(PROGRAMME_BIT[name] for name in set(_list(value, read=partial(_word, words=PROGRAMMES))))


def _employment_types(value: Any) -> int:
    if value == "all":
        return ALL_EMPLOYMENT_TYPES
    names = set(_list(value, read=partial(_word, words=EMPLOYMENT_TYPES)))
    return sum(1 << EMPLOYMENT_TYPE_NUMBER[name] for name in names)


def _scope(value: Any) -> Scope:
    texts: Read = partial(_list, read=_text)
    fields = dict.fromkeys(("company_ids", "regencies", "kbli_prefixes"), Field(texts, None))
    return Scope(**_read(value, fields))


def _baseline(value: Any) -> Baseline:
    fields = _read(value, _BASELINE)
    return Baseline(on=fields.pop("date"), **fields)


def _or_null(read: Read) -> Read:
    return lambda value: None if value is None else read(value)


_headcount: Final = partial(_whole, highest=HEADCOUNT_MAX)
_points: Final = partial(_whole, highest=max(THRESHOLD_BP_MAX.values()))

_BASELINE: Final = {
    "date": Field(_date),
    "active": Field(_headcount),
    "covered": Field(_headcount),
    "uncovered_new": Field(_headcount, 0),
    "required": Field(_programmes, REQUIRED_DEFAULT),
}
_COMPANY: Final = {
    "company_id": Field(_text),
    "name": Field(_or_null(_text), None),
    "kbli": Field(_or_null(_text), None),
    "regency": Field(_or_null(_text), None),
    "baselines": Field(partial(_list_or_none, read=_baseline), ()),
    "contacts": Field(partial(_list_or_none, read=_text), ()),
}
_POLICY: Final = {
    "policy_id": Field(_text),
    "version": Field(partial(_whole, highest=VERSION_MAX), 1),
    "title": Field(_text, ""),
    "rule": Field(partial(_word, words=RULES), "level"),
    "threshold_bp": Field(_points),
    "required": Field(_programmes, REQUIRED_DEFAULT),
    "clock": Field(partial(_word, words=CLOCKS), "raw"),
    "employment_types": Field(_employment_types, ALL_EMPLOYMENT_TYPES),
    "scope": Field(_scope, Scope()),
    "min_active": Field(_headcount, 5),
    "hysteresis_bp": Field(_points, 200),
    "hold_days": Field(partial(_whole, highest=HOLD_DAYS_MAX), 0),
    "effective_from": Field(_date),
    "effective_until": Field(_or_null(_date), None),
    "baseline_on": Field(_or_null(_date), None),
}


def _read(value: Any, fields: Mapping[str, Field], rules: Mapping[str, Check] | None = None) -> dict[str, Any]:
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


# ---------------------------------------------------------------- entries


def _policy(value: Any) -> Policy:
    fields = _read(value, _POLICY, POLICY_RULES)
    policy = Policy(**{**fields, "title": fields["title"] or fields["policy_id"]})
    policy_as_a_whole(policy)
    return policy


def _company(value: Any) -> Company:
    return Company(**_read(value, _COMPANY, COMPANY_RULES))


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


# ---------------------------------------------------------------- records as they are written


def policy_entry(policy: Policy) -> dict[str, Any]:
    """The mapping that a file has for this policy; `policies` reads it back."""
    fields = policy_mapping(policy)
    fields["scope"] = {name: wanted for name, wanted in fields["scope"].items() if wanted is not None}
    for name in ("effective_from", "effective_until", "baseline_on"):
        fields[name] = None if fields[name] is None else _written(fields[name])
    return fields


def company_entry(company: Company) -> dict[str, Any]:
    """The mapping that a file has for this registry entry; `companies` reads it back."""
    fields = {name: value for name, value in company_mapping(company).items() if value is not None}
    fields["baselines"] = [{"date": _written(b.pop("on")), **b} for b in fields["baselines"]]
    return fields


def _written(on: Day) -> calendar_date:
    return calendar_date.fromordinal(on + EPOCH_ORDINAL)
