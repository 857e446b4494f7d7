"""The client's checks of facts against the service's: both accept the same facts, and refuse for the same reason."""

import json
import pickle
import re
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, replace
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from peserta.intake.door import Door
from peserta_client import Correction, Enrollment, Fact, Hire, InvalidFact, Termination, new_event_id, read_fact
from peserta_client.facts import FACT_TYPES
from peserta_client.rules import JAKARTA, effective_last
from schemas.admission import Refusal
from schemas.dates import jakarta_day
from schemas.fact_json import FactLine, line_of
from schemas.vocabulary import ACTIONS, EMPLOYMENT_TYPES, PROGRAMMES, TERMINATION_REASONS
from streams.clock import now_ms
from tests.support.journals import deterministic

NIK: Final = "3175012345678901"
UTC = timezone.utc  # noqa: UP017

HIRE: Final[dict[str, Any]] = {
    "event_id": "e1",
    "company_id": "C1",
    "worker_id": "w1",
    "effective_on": date(2025, 9, 1),
    "occurred_at": datetime(2025, 9, 1, 2, tzinfo=UTC),
    "source": "hris",
    "employment_type": "fixed_term",
}


def judged(line: bytes) -> FactLine | Refusal:
    """The HTTP door's verdict on a line that arrives now."""
    door = Door(now_ms, replay=False)
    read = door.read(line)
    return read if isinstance(read, Refusal) else door.refused_later(read) or read


# ---------------------------------------------------------------- values within their rules and just beyond

TEXTS: Final = st.sampled_from((
    "a", "A.b_c:d-9", "a" * 64, "a" * 65, "", " ", "a b", "a\n", "a\u00a0b", "a\x1fb", "a\x00b", "é", "\U0001f45f" * 64,
    "\ud83d", NIK, NIK[:11], NIK[:15], NIK + "0", "٣" * 16, f"{NIK}\n", "e/1", '"', "\\", "\u2028",
)) | st.text(max_size=66)  # fmt: skip
NOT_TEXTS: Final = st.sampled_from([None, 7, 10**30, 1.5, True, [], ["a"], {}, {"a": 1}])
TODAY: Final = datetime.now(JAKARTA).date()
DATES: Final = (
    st.sampled_from(
        [date(1969, 12, 31), date(1970, 1, 1), TODAY, date.min, date.max, date(2024, 2, 29)]
        + [effective_last(TODAY) + timedelta(days=days) for days in (-1, 0, 1)]
    )
    | st.dates()
)
ZONES: Final = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS: Final = (
    st.sampled_from((
        datetime(2000, 1, 1, tzinfo=UTC), datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2200, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2000, 1, 1, 6, 59, 59, tzinfo=JAKARTA), datetime(2000, 1, 1, 7, tzinfo=JAKARTA),
    ))
    | st.datetimes(timezones=ZONES)
    | st.datetimes(datetime(2000, 1, 1), datetime(2199, 12, 31), timezones=ZONES)
)  # fmt: skip


def words(*right: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([*right, "", "Hire", right[0].upper(), right[0].title()]) | NOT_TEXTS


FIELDS: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "event_id": TEXTS | NOT_TEXTS,
    "company_id": TEXTS | NOT_TEXTS,
    "worker_id": TEXTS | NOT_TEXTS,
    "effective_on": DATES | INSTANTS | NOT_TEXTS,
    "occurred_at": INSTANTS | st.datetimes() | DATES | NOT_TEXTS,
    "source": TEXTS | NOT_TEXTS,
    "employment_type": words(*EMPLOYMENT_TYPES),
    "reason": words(*TERMINATION_REASONS),
    "action": words(*ACTIONS),
    "programmes": st.lists(st.sampled_from([*PROGRAMMES, "JXX", "", ["JKK"], None, 7]), max_size=4)
    | st.sampled_from(["JKK", {"JKK": 1}])
    | NOT_TEXTS,
    "corrects": TEXTS | NOT_TEXTS,
}
RIGHT: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    **{name: st.just(value) for name, value in HIRE.items()},
    "effective_on": st.dates(date(1970, 1, 1), TODAY),
    "occurred_at": st.datetimes(datetime(2000, 1, 2), datetime(2199, 12, 30), timezones=ZONES),
    "employment_type": st.sampled_from(EMPLOYMENT_TYPES),
    "reason": st.sampled_from(TERMINATION_REASONS),
    "action": st.sampled_from(ACTIONS),
    "programmes": st.lists(st.sampled_from(PROGRAMMES), min_size=1),
    "corrects": st.just("e0"),
}
OWN: Final = {
    "hire": ("employment_type",),
    "termination": ("reason",),
    "enrollment": ("action", "programmes"),
    "correction": ("corrects",),
}
COMMON: Final = tuple(HIRE)[:-1]


@st.composite
def values(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A type and its fields. Some fields may break their rule."""
    name = draw(st.sampled_from(list(OWN)))
    fields = (*COMMON, *OWN[name])
    odd = draw(st.sets(st.sampled_from(fields), max_size=3))
    return name, {field: draw(FIELDS[field] if field in odd else RIGHT[field]) for field in fields}


def spelled(value: Any) -> Any:
    """The JSON form of a Python value."""
    return value.isoformat() if isinstance(value, date) else value


def line_with(name: str, fields: Mapping[str, Any]) -> bytes:
    return json.dumps({"type": name, **{field: spelled(value) for field, value in fields.items()}}).encode()


def refusal_of(error: InvalidFact) -> tuple[str, str | None]:
    return error.reason, error.field


# ---------------------------------------------------------------- properties


@given(values())
@settings(deterministic, max_examples=600)
def test_a_fact_can_be_constructed_exactly_when_the_service_would_accept_it(drawn: tuple[str, dict[str, Any]]) -> None:
    name, fields = drawn
    verdict = judged(line_with(name, fields))
    try:
        fact: Fact = FACT_TYPES[name](**fields)
    except InvalidFact as error:
        assume(jakarta_day(now_ms()) == (TODAY - date(1970, 1, 1)).days)
        assert isinstance(verdict, Refusal)
        assert refusal_of(error) == (verdict.reason, verdict.field)
    else:
        assert isinstance(verdict, FactLine)
        assert fact.to_json() == line_of(verdict.fact)
        assert read_fact(fact.to_json()) == fact
        assert pickle.loads(pickle.dumps(fact)) == fact


LINES: Final = st.sampled_from((
    "2025-09-01T02:00:00Z", "2025-09-01t02:00:00.1239999999z", "2025-09-01T02:00:00-00:00", "2025-09-01T02:00:60Z",
    "2025-09-01T24:00:00Z", "2025-09-01T02:00:00+24:00", "2025-09-01 02:00:00Z", "20250901T020000Z", "2025-02-29",
    "2025-09-01T02:00:00.Z", "0000-09-01T02:00:00Z", "2025-9-1", "٢٠٢٥-٠٩-٠١", "2025-W36-1", "1970-01-01", "0001-01-01",
    "2000-01-01T06:59:59.999+07:00", "2199-12-31T23:59:59.9999999Z", "1969-12-31",
))  # fmt: skip


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    """A JSON object that is almost a fact: texts as dates, and fields that are missing, unknown or of another type."""
    name, fields = draw(values())
    written = {"type": name, **{field: spelled(value) for field, value in fields.items()}}
    for field in draw(st.sets(st.sampled_from(["effective_on", "occurred_at", "event_id"]), max_size=2)):
        written[field] = draw(LINES)
    for field in draw(st.sets(st.sampled_from([*FIELDS, "type", "colour", NIK]), max_size=2)):
        if draw(st.booleans()):
            written.pop(field, None)
        else:
            written[field] = draw(TEXTS | NOT_TEXTS | words(*OWN))
    return written


@given(objects())
@settings(deterministic, max_examples=600)
def test_a_line_is_read_exactly_when_the_service_would_accept_it(written: dict[str, Any]) -> None:
    line = json.dumps(written).encode()
    verdict = judged(line)
    try:
        fact = read_fact(line)
    except InvalidFact as error:
        assume(jakarta_day(now_ms()) == (TODAY - date(1970, 1, 1)).days)
        assert isinstance(verdict, Refusal)
        assert error.reason == verdict.reason
        assert error.field == (
            verdict.field if verdict.field in {*FIELDS, "type"} & {*COMMON, "type", *own(written)} else None
        )
    else:
        assert isinstance(verdict, FactLine)
        assert fact.to_json() == line_of(verdict.fact)


def own(written: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that only its type has; none if it has no type."""
    name = written.get("type")
    return OWN.get(name, ()) if isinstance(name, str) else ()


NO_LINES: Final[tuple[bytes, ...]] = (
    b"", b"[]", b"7", b'"a"', b"null", b"{", b"\xff", b"[" * 100_000, b'{"a":NaN}', b'{"type":"hire","type":"hire"}',
    b'{"a":1}' * 2, b"\xef\xbb\xbf{}", b" {} ", b'{"a":' + b"9" * 10_000 + b"}", b" " * 16_385, b"{}" + b" " * 16_383,
)  # fmt: skip


@pytest.mark.parametrize("line", NO_LINES, ids=range(len(NO_LINES)))
def test_what_is_no_line_is_refused_for_the_reason_of_the_service(line: bytes) -> None:
    verdict = judged(line)
    with pytest.raises(InvalidFact) as caught:
        read_fact(line)
    assert isinstance(verdict, Refusal) and refusal_of(caught.value) == (verdict.reason, verdict.field)


@given(st.dates(date(1, 1, 1), date(9998, 12, 31)))
@settings(deterministic, max_examples=300)
def test_the_last_date_is_that_of_the_service(today: date) -> None:
    from schemas.dates import EPOCH_ORDINAL, effective_range

    assert effective_range(today.toordinal() - EPOCH_ORDINAL)[1] == effective_last(today).toordinal() - EPOCH_ORDINAL


@pytest.mark.parametrize("field", [*FIELDS, "type"])
@pytest.mark.parametrize("wrong", [NIK, f" {NIK}", f"{NIK} "], ids=["alone", "after a blank", "before a blank"])
def test_no_error_repeats_a_value(field: str, wrong: str) -> None:
    name = next((name for name, own_fields in OWN.items() if field in own_fields), "hire")
    texts = {"type": name, **dict.fromkeys((*COMMON, *OWN[name]), "2025-09-01"), field: wrong}
    with pytest.raises(InvalidFact) as caught:
        read_fact(json.dumps(texts))
    assert not re.search(r"\d{5}", f"{caught.value} {caught.value!r}")
    assert caught.value.__cause__ is None and caught.value.__suppress_context__ is (
        caught.value.__context__ is not None
    )


# ---------------------------------------------------------------- examples


def test_a_fact_says_which_field_is_wrong_and_what_it_must_be() -> None:
    with pytest.raises(InvalidFact, match=r"^worker_id must be an opaque token"):
        Hire(**HIRE | {"worker_id": NIK})
    with pytest.raises(InvalidFact, match=r"^employment_type must be one of daily, fixed_term"):
        Hire(**HIRE | {"employment_type": "seasonal"})


def test_a_fact_cannot_be_changed_and_a_changed_copy_is_checked() -> None:
    fact = Hire(**HIRE)
    with pytest.raises(FrozenInstanceError):
        fact.worker_id = "w2"  # type: ignore[misc]
    assert replace(fact, worker_id="w2").worker_id == "w2"
    with pytest.raises(InvalidFact):
        replace(fact, worker_id=NIK)


def test_facts_with_the_same_content_are_equal() -> None:
    common = {field: HIRE[field] for field in COMMON}
    later = datetime(2025, 9, 1, 9, 0, 0, 999, tzinfo=JAKARTA)
    one = Enrollment(**common, action="enrolled", programmes=["JKM", "JKK", "JKM"])
    assert one == Enrollment(**common | {"occurred_at": later}, action="enrolled", programmes={"JKK", "JKM"})
    assert len({Termination(**common, reason="other"), Correction(**common, corrects="e0"), one}) == 3


def test_a_line_of_a_replayed_file_is_no_fact_of_the_client() -> None:
    line = json.loads(Hire(**HIRE).to_json()) | {"recorded_at": "2025-09-02T00:00:00Z"}
    with pytest.raises(InvalidFact, match="A field "):
        read_fact(json.dumps(line))


def test_event_ids_are_uuids_of_version_7_and_sort_by_time() -> None:
    ids = [new_event_id() for _ in range(100)]
    assert len(set(ids)) == 100
    assert {UUID(one).version for one in ids} == {7} and {UUID(one).variant for one in ids} == {UUID(ids[0]).variant}
    assert [one[:13] for one in ids] == sorted(one[:13] for one in ids)
    assert abs((UUID(ids[0]).int >> 80) - now_ms()) < 60_000
