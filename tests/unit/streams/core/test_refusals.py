"""A refusal of a JSON line or an Avro fact names the field and its rule, and never contains a value."""

import json
import string
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.admission import (
    FIELD_RULES,
    REASONS,
    REASONS_OF_A_LINE,
    UNSHOWN_FIELD,
    Refusal,
    field_reason,
    invalid_field,
    refusal,
    sentence,
)
from schemas.fact_json import admit
from schemas.records import Fact
from tests.support.facts import correction, enrollment, hire
from tests.support.journals import deterministic

SECRET: Final = "Siti-Rahayu"  # part of every wrong text; must not appear in a refusal
LONG: Final = SECRET + "x" * 64
COMMON: Final[dict[str, Any]] = {
    "type": "hire",
    "event_id": "e1",
    "company_id": "C1",
    "worker_id": "w1",
    "effective_on": "2025-09-01",
    "occurred_at": "2025-09-01T02:00:00Z",
    "source": "hris",
}
OWN: Final[dict[str, dict[str, Any]]] = {
    "hire": {"employment_type": "daily"},
    "termination": {"reason": "retired"},
    "enrollment": {"action": "enrolled", "programmes": ["JKK"]},
    "correction": {"corrects": "e0"},
}
NO_TEXT: Final[list[Any]] = [None, 7, 1.5, True, [SECRET], {SECRET: 1}]
WRONG: Final[dict[str, list[Any]]] = {
    "event_id": [*NO_TEXT, "", f"{SECRET} 1", LONG, "é"],
    "company_id": [*NO_TEXT, "", f"{SECRET} 1", LONG, f"{SECRET}\u2003", "\ud800"],
    "worker_id": [*NO_TEXT, "", f"{SECRET} 1", LONG, f"{SECRET}\n", "\ud800"],
    "effective_on": [*NO_TEXT, "", SECRET, "2025-02-30", "2025-1-1", "1 Jan 2025"],
    "occurred_at": [*NO_TEXT, "", SECRET, "2025-09-01", "2025-09-01T02:00:00", "1999-12-31T23:59:59Z"],
    "recorded_at": [*NO_TEXT, "", SECRET, "2200-01-01T00:00:00Z"],
    "source": [*NO_TEXT, "", LONG, "\ud800"],
    "employment_type": [*NO_TEXT, SECRET, ""],
    "reason": [*NO_TEXT, SECRET, ""],
    "action": [*NO_TEXT, SECRET, ""],
    "programmes": [None, 7, SECRET, [], [SECRET], ["JKK", 7], [["JKK"]], {"JKK": 1}],
    "corrects": [*NO_TEXT, "", f"{SECRET} 1", LONG],
}
MISSING: Final = object()


@st.composite
def lines(draw: st.DrawFn) -> tuple[dict[str, Any], list[str], list[str]]:
    """An object, its wrong fields in the order of SEMANTICS 1, and its missing fields."""
    kind = draw(st.sampled_from(sorted(OWN)))
    fields = COMMON | {"type": kind} | OWN[kind]
    if draw(st.booleans()):
        fields["recorded_at"] = "2025-09-02T00:00:00Z"
    wrong, missing = [], []
    for name in [name for name in fields if name != "type"]:
        change = draw(st.sampled_from(["no", "no", "no", "no", "wrong", "missing"]))
        if change == "wrong":
            wrong.append(name)
            fields[name] = draw(st.sampled_from(WRONG[name]))
        elif change == "missing":
            del fields[name]
            if name != "recorded_at":
                missing.append(name)
                wrong.append(name)
    return dict(draw(st.permutations(list(fields.items())))), wrong, missing


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in OWN for name in (*list(COMMON)[1:], *OWN[kind], "recorded_at")]
)
def test_a_field_that_alone_is_wrong_is_named(kind: str, name: str) -> None:
    for value in WRONG[name]:
        for more in ({}, {"an_unknown_field_too": 1}):
            said = admit(json.dumps(COMMON | {"type": kind} | OWN[kind] | {name: value} | more).encode())
            assert isinstance(said, Refusal)
            assert (said.reason, said.field) == ("invalid_field", name)
            assert said.rule is not None and said.rule.startswith("must be ")


@settings(deterministic, max_examples=1000)
@given(lines())
def test_of_a_line_the_first_wrong_field_is_named(case: tuple[dict[str, Any], list[str], list[str]]) -> None:
    fields, wrong, missing = case
    said = admit(json.dumps(fields).encode())
    if not wrong:
        assert not isinstance(said, Refusal)
        return
    assert isinstance(said, Refusal)
    assert (said.reason, said.field) == ("invalid_field", wrong[0])
    assert said.rule == "is missing" if wrong[0] in missing else str(said.rule).startswith("must be ")
    assert SECRET not in repr(said)
    assert sentence(said, of_line=True) == f"{said.field} {said.rule}"


@settings(deterministic, max_examples=300)
@given(
    st.sampled_from(sorted(OWN)),
    st.text(string.ascii_letters + string.digits + "_", max_size=70)
    | st.text(max_size=20)
    | st.sampled_from(["3175012345678901", "nik_3175012345678901", "n_12345678901", "n_1234567890"]),
)
def test_an_unknown_field_is_named_if_its_name_is_nobodys_number(kind: str, name: str) -> None:
    fields = COMMON | {"type": kind} | OWN[kind]
    if name in {*fields, "recorded_at"}:
        return
    said = admit(json.dumps(fields | {name: SECRET}).encode())
    assert isinstance(said, Refusal)
    digits = sum(c in string.digits for c in name)
    plain = name.isascii() and name.isidentifier() and len(name) <= 64 and digits <= 10
    assert said[3:] == (name if plain else UNSHOWN_FIELD, f"is no field of type {kind}")


@pytest.mark.parametrize("kind", [None, 7, "", "Hire", SECRET, ["hire"], {"hire": 1}])
def test_an_unknown_type_is_named(kind: object) -> None:
    said = admit(json.dumps(COMMON | {"type": kind}).encode())
    assert isinstance(said, Refusal)
    assert said[3:] == ("type", "must be one of termination, hire, enrollment, correction")


# ---------------------------------------------------------------- facts in Avro

TEXTS: Final = {"event_id": f"{SECRET} 1", "company_id": LONG, "worker_id": "", "source": LONG}
FACTS: Final = [hire("e1", "2025-09-01"), enrollment("e1", "2025-09-01"), correction("e1", "e0")]


@pytest.mark.parametrize("fact", FACTS, ids=["hire", "enrollment", "correction"])
@pytest.mark.parametrize("last_known", [False, True])
@given(wrong=st.sets(st.sampled_from(["event_id", "company_id", "worker_id", "occurred_at", "source", "own"])))
@settings(deterministic, max_examples=64)
def test_of_a_fact_the_first_wrong_field_is_named(fact: Fact, last_known: bool, wrong: set[str]) -> None:
    texts: dict[str, Any] = {name: value for name, value in TEXTS.items() if name in wrong}
    changed = fact._replace(**texts)
    if "occurred_at" in wrong:
        changed = changed._replace(occurred_at=7_258_118_400_000 if last_known else -1)
    own = {1: "", 2: "programmes", 3: "corrects"}.get(fact.kind, "")
    if "own" in wrong and own:
        changed = changed._replace(detail=0) if own == "programmes" else changed._replace(corrects=LONG)
    order = ["event_id", "company_id", "worker_id", "occurred_at", "source", own]
    expected = [name for name in order if name in wrong or (name and name == own and "own" in wrong)]
    assert field_reason(changed) == ("invalid_field" if expected else None)
    if expected:
        said = refusal("invalid_field", changed)
        assert (said.field, said.rule) == (expected[0], FIELD_RULES[expected[0]])
        assert invalid_field(changed) == expected[0]
        assert SECRET not in repr(said._replace(event_id=None, source=None))


@pytest.mark.parametrize(
    ("reason", "field"),
    [
        ("national_id", "worker_id"),
        ("key_mismatch", "company_id"),
        ("type_not_allowed", "type"),
        ("effective_on_out_of_range", "effective_on"),
        ("oversized", None),
        ("bad_magic", None),
        ("unknown_schema", None),
        ("decode_error", None),
    ],
)
def test_a_reason_about_one_field_names_it(reason: str, field: str | None) -> None:
    said = refusal(reason, FACTS[0])
    assert (said.field, said.rule is None) == (field, field is None)
    assert sentence(said) == (REASONS[reason] if field is None else f"{field} {said.rule}")


def test_of_lines_and_of_records_the_words_are_their_own() -> None:
    assert REASONS_OF_A_LINE.keys() == REASONS.keys()
    assert not any("Avro" in sentence(refusal(reason, None), of_line=True) for reason in ("decode_error", "oversized"))
    assert not any("line" in words for words in REASONS.values())
