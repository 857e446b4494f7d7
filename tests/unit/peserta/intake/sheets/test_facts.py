"""Rows become facts by the contract's rules for each field. Ids are repeatable, and no output has a personal number."""

import json
import re
import tempfile
import zipfile
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peserta.intake.sheets.annotated import write_annotated
from peserta.intake.sheets.cells import Table, WrongSheet
from peserta.intake.sheets.facts import RowFact, SheetOfFacts, read_facts
from peserta.intake.sheets.fields import FACT_FIELDS, SYNONYMS
from peserta.intake.sheets.layout import understand
from peserta.intake.sheets.rows import RowRefused, read_rows
from peserta.intake.sheets.sentences import LANGUAGES
from peserta.intake.sheets.table_files import open_table
from peserta.operations.failure import Rejected
from schemas.dates import instant
from schemas.fact_json import admit, line_of
from schemas.vocabulary import EMPLOYMENT_TYPES, PROGRAMMES, TERMINATION_REASONS
from tests.support.journals import deterministic
from tests.support.sheets import KEY, NIKS, by_openpyxl

NOW: Final = instant("2025-11-01T00:00:00Z")
HEADER: Final = (
    "NIK", "NPP", "type", "effective_on", "employment_type", "reason", "action", "programmes", "corrects", "source",
    "event_id", "occurred_at",
)  # fmt: skip


def facts_of(header: Any, *rows: Any, **more: Any) -> SheetOfFacts:
    table = Table("sheet", "", [header, *rows])
    return read_facts(table, understand(table, FACT_FIELDS), KEY, now=NOW, **more)


def line(*row: Any, **more: Any) -> dict[str, Any]:
    """The one fact below HEADER, as JSON."""
    (found,) = facts_of(HEADER, row, **more).facts
    read: dict[str, Any] = json.loads(line_of(found.fact))
    return read


def refused(*row: Any, header: Any = HEADER) -> tuple[str, str]:
    (found,) = facts_of(header, row).refused
    assert all(found.sentence(language) for language in LANGUAGES)
    return found.reason, found.column.letters if found.column else ""


def test_an_event_id_and_a_time_made_by_hand() -> None:
    token = KEY.nik(NIKS[0])
    found = line(NIKS[0], "C1", "kepesertaan", "01/10/2025", "", "", "terdaftar", "JP, JKK", "", "")
    text = f"enrollment\nC1\n{token}\n2025-10-01\nsheet\nenrolled\nJKK+JP"
    assert found == {
        "type": "enrollment",
        "event_id": "sheet." + sha256(text.encode()).hexdigest()[:24],
        "company_id": "C1",
        "worker_id": token,
        "effective_on": "2025-10-01",
        "occurred_at": "2025-09-30T17:00:00.000Z",
        "source": "sheet",
        "action": "enrolled",
        "programmes": ["JKK", "JP"],
    }


def test_what_a_row_says_itself_is_taken() -> None:
    found = line(NIKS[0], "C1", "koreksi", "2025-10-01", "", "", "", "", "e1", "hris", "e2", "2025-10-02T00:00:00Z")
    assert (found["event_id"], found["corrects"], found["source"]) == ("e2", "e1", "hris")
    assert found["occurred_at"] == "2025-10-02T00:00:00.000Z"
    found = line(NIKS[0], "", "keluar", "2025-10-01", company="C2", source="roster")
    assert (found["company_id"], found["reason"], found["source"]) == ("C2", "unspecified", "roster")


def test_who_was_hired_long_ago_has_the_first_time_that_there_is() -> None:
    found = line(NIKS[0], "C1", "masuk", "1987-05-01", "tetap")
    assert (found["effective_on"], found["occurred_at"]) == ("1987-05-01", "2000-01-01T00:00:00.000Z")


@deterministic
@given(
    st.sampled_from(["hire", "termination", "enrollment", "correction"]),
    st.dates(date(1970, 1, 1), date(2026, 11, 1)),
    st.sampled_from(EMPLOYMENT_TYPES),
    st.sampled_from(TERMINATION_REASONS),
    st.sets(st.sampled_from(PROGRAMMES), min_size=1),
    st.sampled_from(NIKS),
)
def test_what_is_read_is_taken_by_the_recorder_and_repeats_itself(
    kind: str, on: Any, employment: str, reason: str, programmes: set[str], nik: str
) -> None:
    row = (nik, "C1", kind, on, employment, reason, "enrolled", "+".join(programmes), "e1", "hris")
    found = facts_of(HEADER, row, [], (nik, "C1", kind, on.isoformat(), *row[4:])).facts
    assert found[0].fact == found[1].fact
    raw = line_of(found[0].fact, NOW).encode()
    taken = admit(raw)
    assert isinstance(taken, tuple)
    assert taken[0] == found[0].fact


@pytest.mark.parametrize(
    ("row", "reason", "column"),
    [
        ((NIKS[0], "C1", "masuk", ""), "missing_field", "D"),
        ((NIKS[0], "", "masuk", "2025-10-01"), "missing_field", "B"),
        ((NIKS[0], "C1", "", "2025-10-01"), "missing_field", "C"),
        ((NIKS[0], "C1", "kepesertaan", "2025-10-01"), "missing_field", "G"),
        ((NIKS[0], "C1", "kepesertaan", "2025-10-01", "", "", "terdaftar"), "missing_field", "H"),
        ((NIKS[0], "C1", "koreksi", "2025-10-01"), "missing_field", "I"),
        ((NIKS[0], "C 1", "masuk", "2025-10-01"), "invalid_field", "B"),
        ((NIKS[0], "C1", "masuk", "1969-12-31"), "effective_on_out_of_range", "D"),
        ((NIKS[0], "C1", "masuk", "2026-11-02"), "effective_on_out_of_range", "D"),
        ((NIKS[0], "C1", "masuk", "2025-10-01", "", "", "", "", "", "", "a b"), "invalid_field", "K"),
        ((NIKS[0], "17000000001", "masuk", "2025-10-01"), "personal_number", "B"),
        ((NIKS[0], "C1", "masuk", "2025-10-01", "", "", "", "", "", f"hris {NIKS[1]}"), "personal_number", "J"),
    ],
)
def test_a_row_that_is_no_fact(row: Any, reason: str, column: str) -> None:
    assert refused(*row) == (reason, column)


def test_a_number_in_the_column_of_tokens_is_refused_as_by_the_recorder() -> None:
    assert refused(NIKS[0], "C1", "masuk", "2025-10-01", header=("worker_id", *HEADER[1:])) == ("national_id", "A")


def test_dates_of_their_own_for_each_type_and_cells_that_are_not_used() -> None:
    header = ("NIK", "NPP", "Jenis", "Tgl Masuk", "Tgl Keluar", "JKK")
    sheet = facts_of(
        header, (NIKS[0], "C1", "masuk", "2025-01-02", "", "Y"), (NIKS[0], "C1", "PHK", "2025-01-02", "2025-09-30")
    )
    assert [json.loads(line_of(found.fact))["effective_on"] for found in sheet.facts] == ["2025-01-02", "2025-09-30"]
    (said,) = [remark for remark in sheet.remarks if remark.key == "cells_not_used"]
    assert "column F (JKK)" in said.sentence("en")


def test_what_a_sheet_must_say() -> None:
    with pytest.raises(WrongSheet, match="what kind of fact"):
        facts_of(("NIK", "NPP"))
    with pytest.raises(WrongSheet, match="which company"):
        facts_of(("NIK", "Jenis"))


# ---------------------------------------------------------------- the annotated copy, and privacy


def test_no_text_of_a_sheet_runs_in_its_annotated_copy(tmp_path: Path) -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "{=1}", "http://localhost", "0012"]
    table = Table("sheet.csv", "", [["NIK", *texts]])
    write_annotated(tmp_path / "out.xlsx", table, list(read_rows(table, understand(table, FACT_FIELDS), KEY)), "en")
    assert list(open_table(tmp_path / "out.xlsx").rows[0]) == ["NIK", *texts, "result", "reason"]
    with zipfile.ZipFile(tmp_path / "out.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def test_the_annotated_copy_has_two_columns_more_and_is_else_the_same(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["Daftar", None, None, 5],
        list(HEADER[:4]),
        [NIKS[0], "C1", "masuk", "2025-10-01", "@SUM(A1)", "-1", "+1"],
        [NIKS[1], "C1", "?", 2.5, True],
        [],
        ["TOTAL"],
    ]
    path = by_openpyxl(tmp_path, rows, hidden=[3])
    table = open_table(path)
    sheet = read_facts(table, understand(table, FACT_FIELDS), KEY, now=NOW)
    write_annotated(tmp_path / "out.xlsx", table, sheet.fates, "id")
    copy = open_table(tmp_path / "out.xlsx")
    assert [list(row[:7]) for row in copy.rows] == [list(row) for row in table.rows]
    assert copy.hidden == {3}
    ours = [tuple(row[7:]) for row in copy.rows]
    assert [result for result, _ in ours] == ["dilewati", "hasil", "dibaca", "ditolak", "dilewati", "dilewati"]
    assert str(ours[3][1]).startswith("Baris 4, kolom C (type): Kata ini tidak dikenal.")
    with pytest.raises(Rejected, match="there already"):
        write_annotated(path, table, sheet.fates, "id")


NUMBERS: Final = st.sampled_from([*NIKS[:5], "17000000001", "17000000002", "3320051332900001"])
LONG: Final = re.compile(r"(?<!\d)(?:\d{16}|\d{11})(?!\d)")
OTHERS: Final = st.sampled_from(["", "masuk", "C1", "2025-10-01", "Y", "JKK", "PHK"])
VALID: Final = {"NIK": NIKS[0], "KPJ": "17000000001", "worker_id": "n1", "type": "hire", "effective_on": "2025-10-01"}
NAMES: Final = st.sampled_from([name for field in FACT_FIELDS for name in SYNONYMS[field][:1]])


@st.composite
def tables(draw: st.DrawFn) -> list[list[Any]]:
    """Sheets with personal numbers, as texts and as numbers, in any cell, including titles and header."""
    as_written = NUMBERS | NUMBERS.map(float) | NUMBERS.map(lambda text: f"{text[:4]} {text[4:]}")
    cell = st.one_of(as_written, NUMBERS, OTHERS)
    names = {*draw(st.lists(NAMES, max_size=8)), draw(st.sampled_from(["NIK", "worker_id", "KPJ"]))}
    names |= {"type", "effective_on", "source"}
    header = [*draw(st.permutations(sorted(names))), *draw(st.lists(NUMBERS, max_size=2))]
    titles = draw(st.lists(st.lists(as_written, max_size=3), max_size=2))
    rows = st.lists(st.lists(cell, min_size=2, max_size=12), max_size=3)
    right = st.tuples(*(st.sampled_from([VALID.get(name, ""), VALID.get(name, ""), NIKS[7]]) for name in header))
    return [*titles, header, *draw(rows), *map(list, draw(st.lists(right, max_size=4)))]


@deterministic
@given(tables())
def test_no_number_of_a_person_is_ever_shown(rows: list[list[Any]]) -> None:
    said: list[str] = []
    table = Table("sheet", "", rows)
    try:
        layout = understand(table, FACT_FIELDS)
        sheet = read_facts(table, layout, KEY, company="C1", now=NOW)
    except WrongSheet as wrong:
        said = [wrong.remark.sentence(language) for language in LANGUAGES]
    else:
        said += [line_of(found.fact) for found in sheet.facts]
        said += [column.words for column in (*layout.columns.values(), *layout.others)]
        for language in LANGUAGES:
            said += [found.sentence(language) for found in sheet.refused]
            said += [remark.sentence(language) for remark in sheet.remarks]
        assert all(isinstance(found, RowFact | RowRefused) or found.number for found in sheet.fates)
    assert not shows_a_number("\n".join(said))


@settings(deterministic, max_examples=15)
@given(tables())
def test_our_columns_of_the_annotated_copy_show_no_number(rows: list[list[Any]]) -> None:
    table = Table("sheet", "", rows)
    try:
        fates = list(read_rows(table, understand(table, FACT_FIELDS), KEY, "C1"))
    except WrongSheet:
        return
    with tempfile.TemporaryDirectory() as folder:
        write_annotated(Path(folder) / "out.xlsx", table, fates, "id")
        copy = open_table(Path(folder) / "out.xlsx")
    ours = [str(cell) for row in copy.rows for cell in row[max(map(len, rows)) :]]
    assert len(ours) == 2 * len(rows)
    assert not shows_a_number("\n".join(ours))


def shows_a_number(text: str) -> bool:
    return LONG.search(re.sub(r"(?<=\d)[ .-](?=\d)", "", text)) is not None
