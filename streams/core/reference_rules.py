"""What a policy and a registry entry may say (SEMANTICS 6): the rules of their fields, as checks of the records.

A check takes a field's value as the record has it, and raises `Broken`. The reader of files (streams.core.declared)
applies the same checks, so that a record that came another way than by a file keeps the same rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

from schemas.admission import ID_LENGTH_MAX, is_text
from schemas.contacts import CONTACT_LANGUAGES, PHONE_LENGTH_MAX, Contact, is_address
from schemas.dates import day_text
from schemas.records import Baseline, Company, Day, Policy, Scope
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, ALL_PROGRAMMES, CLOCKS, RULES
from streams.core.rules import WHOLE_BP

THRESHOLD_BP_MAX: Final = {rule: 100 * WHOLE_BP if rule == "growth" else WHOLE_BP for rule in RULES}
VERSION_MAX: Final = 1_000_000
HOLD_DAYS_MAX: Final = 3_650
HEADCOUNT_MAX: Final = 1_000_000_000
TEXT_LENGTH_MAX: Final = 1_000  # code points of a title or a name
ENTRIES_OF_A_LIST_MAX: Final = 10_000

_POLICY_ID_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")

Check = Callable[[Any], None]
Path = tuple[int | str, ...]


class BrokenRule(NamedTuple):
    """A field of a policy or company, and its rule in a few words: never the value that breaks it."""

    field: str
    rule: str


class Broken(Exception):
    """A value that its field does not take.

    `more` may show the value: it is only for the person who wrote it. `path` leads from the entry to the value.
    """

    def __init__(self, rule: str, more: str = "", path: Path = ()) -> None:
        super().__init__(rule + more)
        self.rule = rule
        self.more = more
        self.path = path

    def within(self, step: int | str) -> "Broken":
        """The same, seen from one level further out."""
        return Broken(self.rule, self.more, (step, *self.path))


class Unquoted(NamedTuple):
    """A scalar without quotes that some reader of YAML takes for a number, a date or a truth, and no whole number."""

    text: str

    def __repr__(self) -> str:
        return self.text


def shown(value: Any) -> str:
    """A wrong value in a message: short, and never a long number, which may be somebody's."""
    if isinstance(value, list | tuple | dict) and not isinstance(value, Unquoted):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    if value is None:
        return "nothing"
    text = repr(value)
    kind = "long text" if isinstance(value, str) else "long value"
    return f"a {kind}" if len(text) > 40 or sum(c.isdigit() for c in text) > 10 else text


def field_name(path: Path) -> str:
    """The field that a path within an entry leads to, as a message names it."""
    return ".".join(shown(step).strip("'") for step in path if not isinstance(step, int))


# ---------------------------------------------------------------- values


def text(value: str, *, length_max: int = TEXT_LENGTH_MAX) -> None:
    if not 1 <= len(value) <= length_max:
        raise Broken(f"must have 1 to {length_max} characters")
    if not is_text(value):
        raise Broken("has half a character in it (a lone surrogate)")


def company_id(value: str) -> None:
    text(value, length_max=ID_LENGTH_MAX)
    if any(c.isspace() for c in value):
        raise Broken("must not have white space in it")


def policy_id(value: str) -> None:
    text(value, length_max=ID_LENGTH_MAX)
    if not _POLICY_ID_CHARACTERS.issuperset(value):
        raise Broken("may have letters, digits and . _ - only")


def in_range(value: int, *, highest: int) -> None:
    if not 0 <= value <= highest:
        raise Broken(f"must lie in 0 to {highest}", f", not {shown(value)}")


def date(value: Day) -> None:
    """The day is one of the calendar."""
    try:
        day_text(value)
    except (ValueError, OverflowError):
        raise Broken("must be a date, YYYY-MM-DD") from None


def one_of(value: Any, *, words: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in words:
        raise Broken(f"must be one of {', '.join(words)}", f", not {shown(value)}")


def some(values: Any) -> None:
    """A list has entries, but not too many."""
    if not 1 <= len(values) <= ENTRIES_OF_A_LIST_MAX:
        raise not_a_list(values)


def not_a_list(value: Any) -> Broken:
    return Broken(f"must be a list of 1 to {ENTRIES_OF_A_LIST_MAX}", f", not {shown(value)}")


def each(values: tuple[Any, ...], *, check: Check) -> None:
    """Every entry of a list."""
    for number, value in enumerate(values):
        try:
            check(value)
        except Broken as broken:
            raise broken.within(number) from None


def texts(values: tuple[str, ...] | None) -> None:
    if values is not None:
        some(values)
        each(values, check=text)


def contacts(values: tuple[str | Contact, ...]) -> None:
    if values:
        some(values)
        each(values, check=contact)


def contact(value: str | Contact) -> None:
    if isinstance(value, str):
        text(value)
    else:
        _fields(value, _CONTACT_RULES)


def address(value: str) -> None:
    if not is_address(value):
        raise Broken("must be an e-mail address, name@domain.example")


def names(mask: int, *, every: int) -> None:
    """A list of programmes or employment types, as a mask of `every` one that there is."""
    if not mask:
        raise not_a_list(())
    if mask & ~every:
        raise Broken("is none that a file can hold")


def scope(value: Scope) -> None:
    _fields(value, dict.fromkeys(("company_ids", "regencies", "kbli_prefixes"), texts))


def baselines(values: tuple[Baseline, ...]) -> None:
    if values:
        some(values)
        each(values, check=_baseline)
    if len({(b.on, b.required) for b in values}) < len(values):
        raise Broken("has two baselines for one date and the same required programmes")


def _baseline(value: Baseline) -> None:
    try:
        date(value.on)
    except Broken as broken:
        raise broken.within("date") from None  # the field's name in a file
    _fields(value, _BASELINE_RULES)
    if value.covered + value.uncovered_new > value.active:
        raise Broken("covered and uncovered_new together are more than active")


def _or_null(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


_headcount: Final = partial(in_range, highest=HEADCOUNT_MAX)
_required: Final = partial(names, every=ALL_PROGRAMMES)
_points: Final = partial(in_range, highest=max(THRESHOLD_BP_MAX.values()))

_BASELINE_RULES: Final[Mapping[str, Check]] = {
    **dict.fromkeys(("active", "covered", "uncovered_new"), _headcount),
    "required": _required,
}
_CONTACT_RULES: Final[Mapping[str, Check]] = {
    "name": text,
    "role": _or_null(text),
    "email": _or_null(address),
    "phone": _or_null(partial(text, length_max=PHONE_LENGTH_MAX)),
    "language": _or_null(partial(one_of, words=CONTACT_LANGUAGES)),
    "since": _or_null(date),
}
COMPANY_RULES: Final[Mapping[str, Check]] = {
    "company_id": company_id,
    **dict.fromkeys(("name", "kbli", "regency"), _or_null(text)),
    "baselines": baselines,
    **dict.fromkeys(("contacts", "team"), contacts),
}
POLICY_RULES: Final[Mapping[str, Check]] = {
    "policy_id": policy_id,
    "version": partial(in_range, highest=VERSION_MAX),
    "title": text,
    "rule": partial(one_of, words=RULES),
    "threshold_bp": _points,
    "required": _required,
    "clock": partial(one_of, words=CLOCKS),
    "employment_types": partial(names, every=ALL_EMPLOYMENT_TYPES),
    "scope": scope,
    "min_active": _headcount,
    "hysteresis_bp": _points,
    "hold_days": partial(in_range, highest=HOLD_DAYS_MAX),
    "effective_from": date,
    **dict.fromkeys(("effective_until", "baseline_on"), _or_null(date)),
}


# ---------------------------------------------------------------- records


def policy_as_a_whole(policy: Policy) -> None:
    """The rules between the fields of a policy."""
    highest = THRESHOLD_BP_MAX[policy.rule]
    if policy.threshold_bp > highest:
        more = f", not {policy.threshold_bp}"
        raise Broken(f"must lie in 0 to {highest} for {policy.rule}", more, ("threshold_bp",))
    if policy.rule != "level" and policy.baseline_on is None:
        raise Broken(f"is missing: the rule {policy.rule} needs it", "", ("baseline_on",))
    if policy.effective_until is not None and policy.effective_until < policy.effective_from:
        raise Broken("lies before effective_from", "", ("effective_until",))


def broken_rule(record: Policy | Company) -> BrokenRule | None:
    """The first rule that this record breaks; None for a record that a file could have held."""
    try:
        if isinstance(record, Policy):
            _fields(replace(record, title=record.title or record.policy_id), POLICY_RULES)
            policy_as_a_whole(record)
        else:
            _fields(record, COMPANY_RULES)
    except Broken as broken:
        return BrokenRule(field_name(broken.path), broken.rule)
    return None


def _fields(record: object, rules: Mapping[str, Check]) -> None:
    for name, check in rules.items():
        try:
            check(getattr(record, name))
        except Broken as broken:
            raise broken.within(name) from None
