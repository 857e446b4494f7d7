"""The settings with which a book was opened: unset settings take these values, and set ones must equal them."""

from typing import Any

import pytest

from peserta.operations.opened import OpenedOtherwise, as_opened, check_opened
from peserta.settings import PREFIX, Settings, read_settings

BOOK: dict[str, Any] = {"clock": "replay", "partitions": 4, "grace_days": 10}
OTHERS: dict[str, Any] = {"clock": "wall", "partitions": 8, "grace_days": 30}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def test_what_nobody_has_set_is_as_the_book_has_it() -> None:
    settings = as_opened(read_settings(kafka="one:9092"), BOOK)
    assert {name: getattr(settings, name) for name in BOOK} == BOOK
    assert str(settings.kafka) == "one:9092"


def test_a_book_that_is_not_there_yet_takes_the_settings() -> None:
    assert as_opened(read_settings(clock="replay"), {}) == read_settings(clock="replay")


def test_the_generation_stays() -> None:
    assert as_opened(read_settings().of_generation(3), BOOK).generation == 3


@pytest.mark.parametrize("how", ["by the caller", "in the environment"])
@pytest.mark.parametrize("name", BOOK)
def test_what_was_set_to_something_else_is_refused_with_the_way_out(
    name: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "in the environment":
        monkeypatch.setenv(PREFIX + name.upper(), str(OTHERS[name]))
    settings = read_settings(**({name: OTHERS[name]} if how == "by the caller" else {}))
    with pytest.raises(OpenedOtherwise) as refused:
        as_opened(settings, BOOK)
    said = str(refused.value)
    assert f"{PREFIX}{name.upper()}" in said
    assert str(BOOK[name]) in said
    assert str(OTHERS[name]) in said
    assert "another PESERTA_DATA_DIR" in said
    assert "{" not in said
    assert "message.timestamp.type" not in said


@pytest.mark.parametrize("name", BOOK)
def test_what_was_set_to_the_same_is_taken(name: str) -> None:
    assert getattr(as_opened(read_settings(**{name: BOOK[name]}), BOOK), name) == BOOK[name]


def test_where_nothing_is_taken_over_a_default_counts_like_a_setting() -> None:
    with pytest.raises(OpenedOtherwise, match="clock: wall"):
        check_opened(read_settings(), {"clock": "replay"})
    check_opened(read_settings(clock="replay"), {"clock": "replay"})
