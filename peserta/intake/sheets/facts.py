"""Sheets of facts (SEMANTICS 11): a row that was read becomes one fact, judged by the recorder's own rules."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from peserta.intake.sheets.cells import Table, WrongSheet
from peserta.intake.sheets.fields import DATED_BY, PERSON_FIELDS
from peserta.intake.sheets.layout import Column, Layout
from peserta.intake.sheets.rows import RowPassed, RowRead, RowRefused, Why, read_rows
from peserta.intake.sheets.sentences import RULE, Remark
from peserta.intake.sheets.suspicions import remarks_on
from peserta.intake.sheets.values import Value
from peserta.intake.tokens import TokenKey, is_number_in_signs
from schemas.admission import (
    INVALID_FIELD,
    NATIONAL_ID,
    field_and_rule,
    field_reason,
    holds_personal_number,
    range_reason,
)
from schemas.dates import INSTANT_MIN, day_text, jakarta_midnight
from schemas.records import Day, Fact, Instant
from schemas.vocabulary import (
    ACTIONS,
    CORRECTION,
    EMPLOYMENT_TYPE_NUMBER,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    HIRE,
    KINDS,
    PROGRAMME_BIT,
    PROGRAMMES,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
    programme_names,
)

SOURCE_DEFAULT: Final = "sheet"
EVENT_ID_PREFIX: Final = "sheet."
EVENT_ID_DIGITS: Final = 24

# Fields that a fact of each type takes from a row, besides those of every fact.
_OWN: Final = {
    TERMINATION: ("reason",),
    HIRE: ("employment_type",),
    ENROLLMENT: ("action", "programmes"),
    CORRECTION: ("corrects",),
}
_OWN_FIELDS: Final = frozenset(name for own in _OWN.values() for name in own)
_TEXT_FIELDS: Final = ("company_id", "source", "event_id", "corrects")
# Finds a personal number in a text field, which would be printed and published as it is.
_SPACED_PERSONAL: Final = re.compile(r"(?:\d[\s.-]*){15}\d|(?:\d[\s.-]*){10}\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class RowFact:
    """A row and the fact made of it."""

    number: int
    fact: Fact


FactFate = RowFact | RowRefused | RowPassed


@dataclass(frozen=True, slots=True)
class SheetOfFacts:
    """A sheet of facts after reading: the fate of each row, in order, and the remarks on the whole."""

    table: Table
    layout: Layout
    fates: Sequence[FactFate]
    remarks: tuple[Remark, ...]

    @property
    def facts(self) -> list[RowFact]:
        """The rows that became facts."""
        return [fate for fate in self.fates if isinstance(fate, RowFact)]

    @property
    def refused(self) -> list[RowRefused]:
        """The rows that were refused."""
        return [fate for fate in self.fates if isinstance(fate, RowRefused)]

    @property
    def passed(self) -> Counter[Why]:
        """The number of skipped rows, by reason."""
        return Counter(fate.why for fate in self.fates if isinstance(fate, RowPassed))


def read_facts(
    table: Table,
    layout: Layout,
    key: TokenKey | None,
    *,
    company: str | None = None,
    source: str = SOURCE_DEFAULT,
    now: Instant | None = None,
) -> SheetOfFacts:
    """The facts of a sheet.

    `now` is the recording time against which dates are checked; None stands for each fact's own, as in a book with
    `clock: replay`. Raises WrongSheet if the type or the company of a fact is not given anywhere, or if a key is
    needed.
    """
    if not layout.has("type"):
        raise WrongSheet("no_type")
    if company is None and not layout.has("company_id"):
        raise WrongSheet("company_unknown")
    rows = read_rows(table, layout, key, company)
    unused: Counter[tuple[str, Column]] = Counter()
    fates = list(_fates(rows, layout, source, now, unused))
    return SheetOfFacts(table, layout, fates, (*table.remarks, *remarks_on(table, layout), *_unused(unused)))


def _fates(
    rows: Iterator[RowRead | RowRefused | RowPassed],
    layout: Layout,
    source: str,
    now: Instant | None,
    unused: Counter[tuple[str, Column]],
) -> Iterator[FactFate]:
    for row in rows:
        if not isinstance(row, RowRead):
            yield row
            continue
        try:
            fact = _fact(row, source)
            _judge(fact, now)
        except _Refused as refused:
            yield RowRefused(row.number, refused.reason, _column(layout, refused.at), refused.values)
            continue
        for column in _not_used(row, fact.kind, layout):
            unused[KINDS[fact.kind], column] += 1
        yield RowFact(row.number, fact)


class _Refused(Exception):
    """A row does not make a fact; `at` is the field at fault."""

    def __init__(self, reason: str, at: str, **values: object) -> None:
        super().__init__(reason)
        self.reason, self.at, self.values = reason, at, values


def _fact(row: RowRead, source: str) -> Fact:
    values = row.values
    for name in _TEXT_FIELDS:
        text = values.get(name)
        if isinstance(text, str) and (holds_personal_number(text) or _SPACED_PERSONAL.fullmatch(text)):
            raise _Refused("personal_number", name)
    if is_number_in_signs(row.worker_id):
        raise _Refused(NATIONAL_ID, "worker_id")
    kind = KINDS.index(str(_needed(values, "type")))
    company_id = str(_needed(values, "company_id"))
    effective_on = _effective_on(values, kind)
    fact = Fact(
        kind,
        _detail(values, kind),
        "",
        company_id,
        row.worker_id,
        effective_on,
        int(values.get("occurred_at", begins_at(effective_on))),
        str(values.get("source", source)),
        str(_needed(values, "corrects")) if kind == CORRECTION else "",
    )
    return fact._replace(event_id=str(values.get("event_id") or sheet_event_id(fact)))


def sheet_event_id(fact: Fact) -> str:
    """The `event_id` for a row without one: equal content has equal ids, whatever the file."""
    return EVENT_ID_PREFIX + content_digest(fact)


def content_digest(fact: Fact) -> str:
    """The first 24 hex digits of SHA-256 over a fact's content without `event_id` and `occurred_at` (SEMANTICS 11)."""
    if fact.kind == HIRE:
        own = [EMPLOYMENT_TYPES[fact.detail]]
    elif fact.kind == TERMINATION:
        own = [TERMINATION_REASONS[fact.detail]]
    elif fact.kind == ENROLLMENT:
        own = [ACTIONS[1 if fact.detail & WITHDRAWN else 0], "+".join(programme_names(fact.detail))]
    else:
        own = [fact.corrects]
    parts = [KINDS[fact.kind], fact.company_id, fact.worker_id, day_text(fact.effective_on), fact.source, *own]
    return sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:EVENT_ID_DIGITS]


def begins_at(on: Day) -> Instant:
    """The start of a business date as `occurred_at`, but not before 2000, where valid instants begin."""
    return max(jakarta_midnight(on), INSTANT_MIN)


def _needed(values: Mapping[str, Value], name: str) -> Value:
    if name not in values:
        raise _Refused("missing_field", name, field=name)
    return values[name]


def _effective_on(values: Mapping[str, Value], kind: int) -> Day:
    """The date of a fact: its own column, else the column that dates facts of this type."""
    other = DATED_BY.get(KINDS[kind], "effective_on")
    if "effective_on" not in values and other in values:
        return int(values[other])
    return int(_needed(values, "effective_on"))


def _detail(values: Mapping[str, Value], kind: int) -> int:
    if kind == HIRE:
        return EMPLOYMENT_TYPE_NUMBER[str(values.get("employment_type", "unspecified"))]
    if kind == TERMINATION:
        return TERMINATION_REASONS.index(str(values.get("reason", "unspecified")))
    if kind == CORRECTION:
        return 0
    action, programmes = str(_needed(values, "action")), int(_needed(values, "programmes"))
    if not programmes:
        raise _Refused("missing_field", "programmes", field="programmes")
    return programmes | (WITHDRAWN if action == "withdrawn" else 0)


def _judge(fact: Fact, now: Instant | None) -> None:
    """Raises _Refused if the recorder would refuse the fact."""
    reason = field_reason(fact) or range_reason(fact, fact.occurred_at if now is None else now)
    if reason == NATIONAL_ID:
        raise _Refused(reason, "worker_id")
    if reason is not None:
        field, _ = field_and_rule(reason, fact)
        values = {"field": field, "rule": Remark(f"{RULE}{field}")} if reason == INVALID_FIELD else {}
        raise _Refused(reason, str(field), **values)


def _column(layout: Layout, field: str) -> Column | None:
    """The column that a field comes from."""
    if field in PERSON_FIELDS:
        return layout.person
    if field == "effective_on" and field not in layout.columns:
        return next((layout.columns[name] for name in DATED_BY.values() if name in layout.columns), None)
    return layout.columns.get(field)


def _not_used(row: RowRead, kind: int, layout: Layout) -> Iterator[Column]:
    """The columns that are filled in a row but do not belong to its type of fact."""
    for name, column in layout.columns.items():
        field = "programmes" if name in PROGRAMMES else name
        if field in _OWN_FIELDS and field not in _OWN[kind]:
            held = int(row.values.get(field, 0)) & PROGRAMME_BIT[name] if name in PROGRAMMES else row.values.get(field)
            if held:
                yield column


def _unused(unused: Counter[tuple[str, Column]]) -> Iterator[Remark]:
    for (kind, column), count in unused.items():
        where = {"column": column.letters, "words": column.words}
        yield Remark("cells_not_used", {"count": count, "type": kind, **where})
