"""The terminal's drawings of shares: text, bar and line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peserta.cli.screen import bar, counted, percent, sparkline
from tests.support.journals import deterministic

shares = st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("bp", "text"),
    [
        (0, "0.00 %"),
        (1, "0.01 %"),
        (99, "0.99 %"),
        (100, "1.00 %"),
        (3333, "33.33 %"),
        (10_000, "100.00 %"),
        (15_050, "150.50 %"),
        (None, "–"),
    ],
)
def test_a_share_in_per_cent(bp: int | None, text: str) -> None:
    assert percent(bp) == text


@pytest.mark.parametrize(
    ("bp", "drawn"),
    [(None, "    "), (0, "    "), (2500, "█   "), (5000, "██  "), (5313, "██▏ "), (9999, "███▉"), (10_000, "████")],
)
def test_a_bar_fills_its_width(bp: int | None, drawn: str) -> None:
    assert bar(bp, 4) == drawn


@given(shares, st.integers(1, 40))
@deterministic
def test_a_bar_is_as_wide_as_asked(bp: int, width: int) -> None:
    assert len(bar(bp, width)) == width


@given(shares, shares)
@deterministic
def test_a_longer_bar_is_a_larger_share(one: int, other: int) -> None:
    if len(bar(one).rstrip()) < len(bar(other).rstrip()):
        assert one < other


def test_a_line_of_shares() -> None:
    assert sparkline([0, 1250, None, 1251, 5000, 9999, 10_000]) == "▁▁ ▂▄██"


@given(st.lists(st.none() | shares))
@deterministic
def test_a_line_has_a_character_for_each(values: list[int | None]) -> None:
    line = sparkline(values)
    assert len(line) == len(values)
    heights = [(character, bp) for character, bp in zip(line, values, strict=True) if bp is not None]
    assert sorted(heights) == sorted(heights, key=lambda height: (height[1], height[0]))


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (2, ("row",), "2 rows"),
        (1, ("policy", "policies"), "1 policy"),
        (3, ("policy", "policies"), "3 policies"),
    ],
)
def test_a_number_with_its_noun(number: int, words: tuple[str, ...], text: str) -> None:
    assert counted(number, *words) == text
