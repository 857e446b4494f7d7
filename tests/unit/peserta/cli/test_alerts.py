"""Who has an alert, in lines for a terminal."""

from hypothesis import given, settings
from hypothesis import strategies as st

from peserta.cli.alerts import WIDTH_MAX, handling_lines
from schemas.handling import NAME_LENGTH_MAX, NOTE, Handled, Handling
from tests.support.journals import deterministic

NOTED = Handling("h1", "C1/P1/1", "C1", NOTE, "Sri", 0, text="on it")


def test_who_has_an_alert_stands_in_one_line() -> None:
    found = Handled("Sri", 1, "Budi", (NOTED, NOTED))
    assert handling_lines(found) == ["  acknowledged: Sri, assigned: Budi, 2 notes"]
    assert handling_lines(Handled(notes=(NOTED,))) == ["  1 note"]
    assert handling_lines(Handled()) == []


names = st.none() | st.text("Wi\n", min_size=1, max_size=NAME_LENGTH_MAX)


@settings(deterministic, max_examples=100)
@given(names, names, st.integers(0, 3))
def test_no_line_is_wider_than_a_terminal(by: str | None, to: str | None, notes: int) -> None:
    lines = handling_lines(Handled(by, 1, to, (NOTED,) * notes))
    assert all(len(line) <= WIDTH_MAX and "\n" not in line for line in lines)
    assert bool(lines) == bool(by or to or notes)
