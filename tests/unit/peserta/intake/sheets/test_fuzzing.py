"""The short form of the fuzzing of sheets and rosters (`python -m tests.fuzz.sheets`)."""

from typing import Final

from tests.fuzz.sheets import fuzz

FILES: Final = 250
REACHED: Final = {
    "read", "damaged", "no_text", "wrong_quotes", "no_header", "too_many_rows", "unpacks_too_large", "no_person_column",
}  # fmt: skip


def test_no_mutated_sheet_or_roster_is_read_wrongly() -> None:
    found = fuzz(FILES, seed=5)
    assert found.wrong == []
    assert set(found.files) >= REACHED, "the mutations reach nearly nothing"
    assert {"read", "refused: invalid_nik", "refused: worker_twice", "passed over: total"} <= set(found.rows)
