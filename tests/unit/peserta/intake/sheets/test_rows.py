"""Rows of sheets: each has one fate, and every known trap of payroll files is read correctly or refused."""

import datetime
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peserta.intake.sheets.cells import Flaw, Table, WrongSheet, is_blank
from peserta.intake.sheets.fields import FACT_FIELDS, NO, ROSTER_FIELDS, SYNONYMS, WORDS, YES, normalised
from peserta.intake.sheets.layout import understand
from peserta.intake.sheets.mapping import SheetMapping, read_mapping
from peserta.intake.sheets.rows import RowPassed, RowRead, RowRefused, read_rows
from peserta.intake.sheets.sentences import LANGUAGES
from peserta.intake.sheets.suspicions import remarks_on
from peserta.intake.sheets.table_files import open_table
from schemas.dates import day, instant
from schemas.vocabulary import ALL_PROGRAMMES, programme_set
from tests.support.journals import deterministic
from tests.support.sheets import KEY, NIKS, by_openpyxl, by_xlsxwriter, csv_file, fates

HEADER: Final = ("NO", "NIK", "Nama", "Jenis", "Tanggal", "JKK", "Status Kerja")
TOKENS: Final = tuple(map(KEY.nik, NIKS))


def table_of(*rows: Any) -> Table:
    return Table("sheet", "", rows)


def refused(*row: Any, header: Any = HEADER, **more: Any) -> tuple[str, str]:
    """(reason, letters of the column) of the one row below a header."""
    table = table_of(header, row)
    (_, fate) = read_rows(table, understand(table, FACT_FIELDS, **more), KEY)
    assert isinstance(fate, RowRefused), fate
    assert all(fate.remark.sentence(language) for language in LANGUAGES)
    return fate.reason, fate.column.letters if fate.column else ""


def read(*row: Any, header: Any = HEADER, **more: Any) -> dict[str, Any]:
    """The values of the one row below a header."""
    table = table_of(header, row)
    (_, fate) = read_rows(table, understand(table, FACT_FIELDS, **more), KEY)
    assert isinstance(fate, RowRead), fate
    return {"worker_id": fate.worker_id, **fate.values}


# ---------------------------------------------------------------- every row has one fate

CELLS: Final = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "Y", "T", "masuk", "PHK", "01/02/2025", "2025-02-30", "TOTAL", "Jumlah", "PKWT", "JKK"]),
    st.sampled_from(NIKS),
    st.integers(0, 10**17),
    st.floats(allow_nan=False),
    st.booleans(),
    st.dates(datetime.date(1960, 1, 1), datetime.date(2100, 1, 1)),
    st.text(max_size=8),
)
ROWS: Final = st.lists(st.lists(CELLS, max_size=8), max_size=12)


@deterministic
@given(ROWS, ROWS)
def test_every_row_of_any_table_has_one_fate_and_the_counts_add_up(titles: Any, rows: Any) -> None:
    table = table_of(*titles, HEADER, *rows)
    found = list(read_rows(table, understand(table, FACT_FIELDS), KEY))
    assert [fate.number for fate in found] == list(range(1, len(table.rows) + 1))
    counts = {kind: sum(isinstance(fate, kind) for fate in found) for kind in (RowRead, RowRefused, RowPassed)}
    assert sum(counts.values()) == len(titles) + 1 + len(rows)
    for fate, row in zip(found, table.rows, strict=True):
        if all(map(is_blank, row)):
            assert isinstance(fate, RowPassed)
        if isinstance(fate, RowRead):
            assert fate.worker_id in TOKENS


@deterministic
@given(ROWS)
def test_a_row_with_a_national_id_is_never_passed_over(rows: Any) -> None:
    whole = [[number, nik, *row] for number, (nik, row) in enumerate(zip(NIKS, rows, strict=False), 100)]
    table = table_of(HEADER, *whole)
    found = list(read_rows(table, understand(table, FACT_FIELDS), KEY))
    assert not [fate for fate in found[1:] if isinstance(fate, RowPassed)]


# ---------------------------------------------------------------- a sheet of membership, as factories export it


@pytest.mark.parametrize("write", [by_openpyxl, by_xlsxwriter, csv_file])
def test_a_membership_sheet_with_titles_and_totals(write: Any, tmp_path: Path) -> None:
    header = ["NO", "NIK", "NO KPJ", "NAMA LENGKAP", "TGL MULAI BEKERJA", "UPAH", "STATUS KERJA", "JKK", "JKM"]
    rows = [
        ["DAFTAR TENAGA KERJA AKTIF"],
        ["NPP : ZZ000001"],
        [],
        header,
        [*range(1, 10)],
        ["1", NIKS[0], "", "SITI", "17-08-2019", "Rp 2.610.224", "PKWT", "Y", "Y"],
        [],
        ["2", NIKS[1], "", "BUDI", "01-02-2020", "2.610.224,50", "TETAP", "Y", "T"],
        ["JUMLAH", "", "", "", "", "5.220.448", "", "2", "1"],
        ["", "", "", "", "", "Jepara, 31-10-2025", "", "", ""],
    ]
    found = fates(write(tmp_path, rows))
    assert [fate.number for fate in found if isinstance(fate, RowPassed)] == [1, 2, 3, 4, 5, 7, 9, 10]
    assert [fate for fate in found if isinstance(fate, RowRead)] == [
        RowRead(6, TOKENS[0], {"started_on": day("2019-08-17"), "employment_type": "fixed_term", "programmes": 6}),
        RowRead(8, TOKENS[1], {"started_on": day("2020-02-01"), "employment_type": "permanent", "programmes": 2}),
    ]


def test_a_contribution_detail_says_programmes_by_amounts() -> None:
    header = ("no_ref", "nik_ktp", "no_pegawai", "nama_tk", "tgl_kepesertaan", "iuran_jkk", "iuran_jkm", "total_iuran")
    found = read("1", NIKS[0], "17", "S", "2025-01-31", 24_000.0, "Rp 0", 24_000, header=header)
    assert found == {"worker_id": TOKENS[0], "enrolled_on": day("2025-01-31"), "programmes": programme_set(["JKK"])}


# ---------------------------------------------------------------- traps

PERSON: Final = (
    ("a number with 16 digits", float(NIKS[0]), "rounded_number"),
    ("scientific notation", "3.32005E+15", "rounded_number"),
    ("scientific notation with a decimal comma", "3,32005E+15", "rounded_number"),
    ("15 digits", "332005120390001", "invalid_nik"),
    ("a number with a fraction", 1.5, "no_text_in_cell"),
    ("a date", datetime.date(2025, 1, 1), "no_text_in_cell"),
    ("a truth", True, "no_text_in_cell"),
    ("nothing", None, "missing"),
)


@pytest.mark.parametrize(("what", "cell", "reason"), PERSON, ids=[case[0] for case in PERSON])
def test_a_cell_that_names_nobody(what: str, cell: Any, reason: str) -> None:
    assert refused(1, cell, "S", "masuk", "2025-10-01") == (reason, "B")


def test_a_person_in_a_row_that_begins_like_a_total_is_read() -> None:
    assert read("Jumlah Sari", NIKS[0], "S")["worker_id"] == TOKENS[0]


@pytest.mark.parametrize("column", range(1, 7))
def test_the_rest_of_a_merged_area_is_no_blank_cell(column: int) -> None:
    row: list[Any] = [1, NIKS[0], "S", "masuk", "2025-10-01", "Y", "PKWT"]
    row[column] = Flaw.MERGED
    if column == 2:
        assert read(*row)["worker_id"] == TOKENS[0]
    else:
        assert refused(*row) == ("merged_cell", "ABCDEFG"[column])


def test_numbers_of_participants_and_employees() -> None:
    assert read(17_000_000_001.0, header=("KPJ", "Jenis")) == {"worker_id": KEY.kpj("17000000001")}
    assert refused(7_000_000_001.0, header=("KPJ", "Jenis")) == ("lost_zeros", "A")
    found = read(" A-17 ", "C1", header=("NIP", "NPP"))
    assert found == {"worker_id": KEY.employee("C1", "A-17"), "company_id": "C1"}
    assert refused("17", "", header=("NIP", "NPP")) == ("employee_without_company", "A")
    with pytest.raises(WrongSheet, match="--company"):
        refused("17", "masuk", header=("NIP", "Jenis"))


def test_national_ids_that_were_rounded_before_they_became_text() -> None:
    table = table_of(HEADER, *[[1, f"{nik[:15]}0", "S", "masuk", "2025-10-01"] for nik in NIKS[::3][:6]])
    found = list(read_rows(table, understand(table, FACT_FIELDS), KEY))[1:]
    assert {fate.reason if isinstance(fate, RowRefused) else "read" for fate in found} == {"rounded_number"}


def test_tokens_need_no_key_and_numbers_do() -> None:
    table = table_of(("worker_id", "NIK"), ("nabc", NIKS[0]))
    assert [type(f) for f in read_rows(table, understand(table, FACT_FIELDS), None)] == [RowPassed, RowRead]
    table = table_of(HEADER)
    with pytest.raises(WrongSheet, match="new-key"):
        read_rows(table, understand(table, FACT_FIELDS), None)


DATES: Final = (
    ("a real date", datetime.date(2025, 2, 1), "2025-02-01"),
    ("a real date with a time", datetime.datetime(2025, 2, 1, 23, 59), "2025-02-01"),
    ("ISO", "2025-02-01", "2025-02-01"),
    ("day first with dashes", " 01-02-2025 ", "2025-02-01"),
    ("day first with slashes", "1/2/2025", "2025-02-01"),
    ("month first", "02/25/2025", None),
    ("a day that is none", "30-02-2025", None),
    ("mixed signs", "01-02/2025", None),
    ("two digits of the year", "01-02-25", None),
    ("a serial number", 45_000.0, None),
    ("a time", datetime.time(1, 2), None),
)


@pytest.mark.parametrize(("what", "cell", "then"), DATES, ids=[case[0] for case in DATES])
def test_dates(what: str, cell: Any, then: str | None) -> None:
    row = (1, NIKS[0], "S", "masuk", cell)
    if then is None:
        assert refused(*row) == ("invalid_date", "E")
    else:
        assert read(*row)["effective_on"] == day(then)


def test_month_first_by_a_mapping_and_times() -> None:
    month_first = SheetMapping(dates="month_first")
    assert read(1, NIKS[0], "", "", "02/25/2025", mapping=month_first)["effective_on"] == day("2025-02-25")
    header = ("NIK", "occurred_at")
    assert read(NIKS[0], "2025-10-01T09:00:00+07:00", header=header)["occurred_at"] == instant("2025-10-01T02:00:00Z")
    wall = datetime.datetime(2025, 10, 1, 9)
    assert read(NIKS[0], wall, header=header)["occurred_at"] == instant("2025-10-01T02:00:00Z")
    assert refused(NIKS[0], "2025-10-01 09:00", header=header) == ("invalid_instant", "B")
    assert refused(NIKS[0], datetime.date(1999, 1, 1), header=header) == ("invalid_instant", "B")


def remarks(*dates: Any) -> set[str]:
    table = table_of(HEADER, *[(1, nik, "S", "masuk", date) for nik, date in zip(NIKS, dates, strict=False)])
    return {remark.key for remark in remarks_on(table, understand(table, FACT_FIELDS))}


def test_dates_that_may_be_read_both_ways_are_said() -> None:
    assert remarks("01/02/2025", "03-04-2025") == {"dates_both_ways"}
    assert remarks("01/02/2025", "13/04/2025") == set()
    assert remarks("01/01/2025", "2025-01-02") == set()
    assert remarks(datetime.date(2025, 2, 1), "13/04/2025") == {"dates_mixed"}


@pytest.mark.parametrize(
    ("cell", "held"),
    [
        *[(cell, 1) for cell in ("Y", "ya", "✓", True, 1.0, "Rp 2.610.224", "24.000,50")],
        *[(cell, 0) for cell in ("T", "-", "tidak aktif", 0.0, False, "Rp 0", None, "  ")],
    ],
)
def test_whether_a_programme_is_held(cell: Any, held: int) -> None:
    assert read(1, NIKS[0], "", "", "", cell)["programmes"] == held * programme_set(["JKK"])


@pytest.mark.parametrize("cell", ["?", "mungkin", -1.0, datetime.date(2025, 1, 1), NIKS[3] + "x"])
def test_what_says_neither_yes_nor_no(cell: Any) -> None:
    reason, column = refused(1, NIKS[0], "", "", "", cell)
    assert (reason in ("no_yes_or_no", "no_text_in_cell"), column) == (True, "F")


def test_a_list_of_programmes() -> None:
    header = ("NIK", "Program")
    assert read(NIKS[0], "jkk; JKM+JHT", header=header)["programmes"] == programme_set(["JKK", "JKM", "JHT"])
    assert refused(NIKS[0], "JKK BPJS", header=header) == ("unknown_word", "B")


def test_the_company_asked_for_is_the_only_one() -> None:
    table = table_of(("NIK", "NPP"), (NIKS[0], "C1"), (NIKS[1], ""), (NIKS[2], "C2"))
    found = list(read_rows(table, understand(table, FACT_FIELDS), KEY, "C1"))[1:]
    assert found[:2] == [RowRead(n + 2, TOKENS[n], {"company_id": "C1"}) for n in range(2)]
    assert isinstance(found[2], RowRefused)
    assert found[2].reason == "other_company"


# ---------------------------------------------------------------- header and mapping


def test_every_synonym_means_one_field_and_every_word_one_value() -> None:
    names = [name for names in SYNONYMS.values() for name in {normalised(name) for name in names}]
    assert sorted(set(names)) == sorted(names)
    assert set(SYNONYMS) >= {*FACT_FIELDS, *ROSTER_FIELDS}
    assert all(words[normalised(value)] == value for words in WORDS.values() for value in words.values())
    assert YES.isdisjoint(NO)


@deterministic
@given(st.sampled_from(FACT_FIELDS), st.data())
def test_a_column_is_found_by_any_of_its_names(field: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(SYNONYMS[field]))
    spelled = "".join(
        data.draw(st.sampled_from([c.upper(), c.lower(), f"{c} ", f"{c}_", f"{c}.", f"{c}-"])) for c in name
    )
    table = table_of(("", spelled, "Keterangan"))
    if field in ("worker_id", "nik", "kpj", "employee"):
        assert understand(table, FACT_FIELDS).person.index == 1
    else:
        table = table_of(("NIK", spelled, "Keterangan"))
        assert understand(table, FACT_FIELDS).columns[field].index == 1


@pytest.mark.parametrize(
    ("header", "words"),
    [(("a", "b"), "No header"), (("Tanggal", "Jenis"), "No column says who"), (("NIK", "Tgl", "TMT"), "Two columns")],
)
def test_a_header_that_cannot_be_understood(header: Any, words: str) -> None:
    with pytest.raises(WrongSheet, match=words):
        understand(table_of(header), FACT_FIELDS)
    with pytest.raises(WrongSheet, match="No header"):
        understand(table_of(), FACT_FIELDS)


MAPPING: Final = """
fields: {nik: Nomor, effective_on: D, programmes: Ikut apa}
values: {employment_type: {OB: outsourced}, JKK: {ada kartu: yes}}
constants: {company_id: C1, type: masuk, effective_on: 2025-10-01}
dates: month_first
"""


def test_a_mapping_file(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAPPING, encoding="utf-8")
    mapping = read_mapping(tmp_path / "map.yaml")
    header = ("NIK", "Nomor", "Ikut apa", "?", "JKK", "Status Kerja")
    found = read("x", NIKS[0], "JKM", "02/28/2025", "Ada Kartu", "ob", header=header, mapping=mapping)
    assert found == {
        "worker_id": TOKENS[0],
        "company_id": "C1",
        "type": "hire",
        "effective_on": day("2025-02-28"),
        "programmes": programme_set(["JKK", "JKM"]),
        "employment_type": "outsourced",
    }
    assert read("x", NIKS[0], "", "", "", "", header=header, mapping=mapping)["effective_on"] == day("2025-10-01")


WRONG_MAPPINGS: Final = (
    ("not YAML", "fields: [", "line"),
    ("a list", "- fields", "mapping"),
    ("an unknown key", "columns: {}", "columns"),
    ("an unknown field", "fields: {nama: B}", "nama"),
    ("a field twice", "fields: {nik: A, nik: B}", "twice"),
    ("one column for two fields", "fields: {nik: A, type: A}", "two fields"),
    ("two columns of people", "fields: {nik: A, kpj: B}", "people"),
    ("an unknown value", "values: {type: {x: fired}}", "termination"),
    ("values of dates", "values: {effective_on: {x: y}}", "one of"),
    ("a person for all rows", "constants: {nik: '3320051203900001'}", "every row"),
    ("a date format", "dates: DMY", "day_first"),
    ("no text", "constants: {company_id: [C1]}", "text"),
)


@pytest.mark.parametrize(("what", "text", "words"), WRONG_MAPPINGS, ids=[case[0] for case in WRONG_MAPPINGS])
def test_a_wrong_mapping_is_refused_whole(what: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(WrongSheet, match=words) as wrong:
        read_mapping(tmp_path / "map.yaml")
    assert "3320051203900001" not in str(wrong.value)


def test_a_mapping_that_does_not_fit_the_sheet() -> None:
    with pytest.raises(WrongSheet, match="not there"):
        understand(table_of(HEADER), FACT_FIELDS, SheetMapping(fields={"nik": "Nomor"}))
    wrong = SheetMapping(constants={"type": "apa"})
    table = table_of(("NIK", "NPP"))
    with pytest.raises(WrongSheet, match="constant for type"):
        read_rows(table, understand(table, FACT_FIELDS, wrong), KEY)


def test_what_a_roster_is_told_of() -> None:
    assert understand(table_of(("NIK", "JKK", "JMO")), ROSTER_FIELDS).programmes == programme_set(["JKK", "JMO"])
    assert understand(table_of(("NIK", "Program")), ROSTER_FIELDS).programmes == ALL_PROGRAMMES
    assert understand(table_of(("NIK", "Jenis")), ROSTER_FIELDS).programmes == 0
    with tempfile.TemporaryDirectory() as folder:
        table = open_table(csv_file(Path(folder), [("NIK", "Jenis"), (NIKS[0], "x")]))
    assert set(understand(table, ROSTER_FIELDS).columns) == {"nik"}
