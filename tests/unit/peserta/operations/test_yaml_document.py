"""YAML without quotes: integers are read by their digits, and text is only what every YAML reader takes for text."""

import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from peserta.operations.yaml_document import Document, NotYaml, WrongMapping, written
from streams.core.reference_rules import Unquoted
from tests.support.journals import deterministic

# Texts that resemble numbers, dates and booleans of some version of YAML, and any other text.
scalars = (
    st.text("0123456789_:.+-eExobTZ ", min_size=1, max_size=12)
    | st.sampled_from(["yes", "No", "TRUE", "off", "y", "~", "null", ".inf", "-.INF", ".NaN", "<<", "="])
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
)

# Values that are not text by YAML 1.2, 10.3.2 (core schema). Copied from there, independently of the code's patterns.
CORE_1_2 = re.compile(
    r"null|Null|NULL|~|true|True|TRUE|false|False|FALSE|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN"
)


def read(text: str) -> object:
    """The value of a list entry with this text; the text itself if it is no scalar of one line."""
    try:
        value = Document(f"- {text}\n".encode()).value()
    except (NotYaml, WrongMapping):
        return None
    return value[0] if isinstance(value, list) and len(value) == 1 else None


def of_yaml_1_1(text: str) -> object:
    try:
        value = yaml.safe_load(f"- {text}\n")
    except (yaml.YAMLError, ValueError):
        return None
    return value[0] if isinstance(value, list) and len(value) == 1 else None


@settings(deterministic, max_examples=1000)
@given(scalars)
def test_a_whole_number_is_its_decimal_digits(text: str) -> None:
    value = read(text)
    if isinstance(value, int):
        digits = re.sub(r" +#.*", "", text.strip()).replace("_", "")
        assert str(value) == digits


@settings(deterministic, max_examples=300)
@given(st.integers(0, 10**18 - 1))
def test_every_number_in_decimal_digits_is_read(number: int) -> None:
    assert read(str(number)) == number
    assert read(f"{number:_}") == number


@settings(deterministic, max_examples=1000)
@given(scalars)
def test_text_is_what_every_reader_of_yaml_takes_for_text(text: str) -> None:
    """PyYAML reads YAML 1.1; a table stands for the core schema of YAML 1.2."""
    value = read(text)
    if isinstance(value, str) and not re.match("[\"'|>]", text.lstrip()):
        assert of_yaml_1_1(text) == value
        assert CORE_1_2.fullmatch(value) is None


@pytest.mark.parametrize("text", ["06000", "1:40:00", "No", "2025-01-01", "0x7D0", "6000.0", "1" * 19, "<<"])
def test_what_is_neither_keeps_its_words(text: str) -> None:
    assert read(text) == Unquoted(text)


values = st.recursive(
    st.none() | st.integers(0, 10**18 - 1) | scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(scalars, inner, max_size=3),
    max_leaves=8,
)


@settings(deterministic, max_examples=500)
@given(st.lists(st.dictionaries(scalars, values, max_size=3), max_size=3))
def test_what_is_written_is_read_as_it_was(entries: list[dict[str, object]]) -> None:
    assert Document(written(entries).encode()).value() == entries


def test_the_same_value_twice_is_written_twice() -> None:
    shared = ["JKK"]
    assert written([{"a": shared, "b": shared}]) == "- a:\n  - JKK\n  b:\n  - JKK\n"


@settings(deterministic, max_examples=500)
@given(st.text(max_size=40) | st.text("-:[]{}&*!|>'\"%#?,ab<~ \n\t", max_size=40) | st.binary(max_size=40).map(repr))
def test_any_text_is_a_value_or_is_refused_in_words(text: str) -> None:
    try:
        document = Document(text.encode("utf-8", "surrogatepass"))
        document.value()
        document.line_of((0, "policy_id", 3))
    except (NotYaml, WrongMapping) as error:
        assert str(error)


@settings(deterministic, max_examples=300)
@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_are_refused_in_words(data: bytes) -> None:
    try:
        Document(data).value()
    except (NotYaml, WrongMapping) as error:
        assert str(error)


TEXT = b"""# people
- policy_id: p
  scope:
    regencies: [Batam,
                Jepara]
- policy_id: q
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), None),
        ((0,), 2),
        ((0, "policy_id"), 2),
        ((0, "scope", "regencies", 1), 5),
        ((0, "scope", "sector"), 3),
        ((1, "title"), 6),
        ((7,), None),
    ],
)
def test_a_part_has_its_line(path: tuple[int | str, ...], line: int | None) -> None:
    assert Document(TEXT).line_of(path) == line
