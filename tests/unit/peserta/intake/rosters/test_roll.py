"""The companies and the dates for which a roster is accepted."""

import pytest

from peserta.intake.rosters.roster import Roll, check_roll
from peserta.operations.failure import Rejected
from schemas.dates import day, instant, instant_text

NOW = instant("2025-10-01T02:00:00Z")

CASES = (
    ("today", Roll("C1", day("2025-10-01")), False, ""),
    ("a year ahead", Roll("C1", day("2026-10-01")), False, ""),
    ("more than a year ahead", Roll("C1", day("2026-10-02")), False, "until 2026-10-01"),
    ("more than a year ahead, in a book of history", Roll("C1", day("2026-10-02")), True, ""),
    ("the first day", Roll("C1", day("2000-01-01")), False, ""),
    ("before it", Roll("C1", day("1999-12-31")), False, "2000 to 2199"),
    ("after the last day", Roll("C1", day("2200-01-01")), True, "2000 to 2199"),
    ("no company", Roll("", day("2025-10-01")), False, "company_id"),
    ("a company with a blank", Roll("C 1", day("2025-10-01")), False, "company_id"),
    ("no source", Roll("C1", day("2025-10-01"), ""), False, "source"),
)


@pytest.mark.parametrize(("roll", "is_replay", "wrong"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_roll(roll: Roll, is_replay: bool, wrong: str) -> None:
    if not wrong:
        check_roll(roll, NOW, is_replay=is_replay)
        return
    with pytest.raises(Rejected, match=wrong):
        check_roll(roll, NOW, is_replay=is_replay)


def test_a_roster_closes_in_the_last_second_of_its_day_in_jakarta() -> None:
    assert instant_text(Roll("C1", day("2025-09-30")).closes_at) == "2025-09-30T16:59:59.000Z"
