"""Files become cells: every encoding and delimiter gives the same table, and every wrong file an error message."""

import datetime
import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter

from peserta.intake.sheets import cells, csv_table, table_files, xlsx_marks
from peserta.intake.sheets.cells import Flaw, WrongSheet, letters
from peserta.intake.sheets.csv_table import read_csv
from peserta.intake.sheets.mapping import column_index
from peserta.intake.sheets.sentences import LANGUAGES
from peserta.intake.sheets.table_files import open_table
from tests.support.journals import deterministic
from tests.support.sheets import Cells, by_openpyxl, by_xlsxwriter, csv_bytes, csv_file

ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252")
HEADER: Final = ["NIK", "NAMA", "TGL", "KET"]
TEXTS: Final = st.text(st.characters(codec="cp1252", exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@deterministic
@given(
    st.lists(st.lists(TEXTS, min_size=4, max_size=4), min_size=1, max_size=8),
    st.sampled_from(",;\t"),
    st.sampled_from(ENCODINGS),
)
def test_csv_of_every_kind_is_the_same_table(rows: list[list[str]], delimiter: str, encoding: str) -> None:
    found = read_csv(csv_bytes([HEADER, *rows], delimiter, encoding), "a.csv")
    assert found.rows == [HEADER, *rows]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_decimal_commas_and_a_long_title_do_not_mislead(encoding: str) -> None:
    rows = [["Daftar, menurut cabang, per Oktober"], [], HEADER, *[["1", "Ibu Café", "2,5", "1.234,50"]] * 5]
    table = read_csv(csv_bytes(rows, ";", encoding), "a.csv")
    assert [list(row) for row in table.rows] == [rows[0], [], *rows[2:]]


def test_the_delimiter_may_be_said_in_a_first_line() -> None:
    assert read_csv(b"sep=;\r\nNIK;A,B\r\n1;2,3\r\n", "a.csv").rows == [[], ["NIK", "A,B"], ["1", "2,3"]]


@pytest.mark.parametrize("write", [by_openpyxl, by_xlsxwriter])
def test_cells_of_workbooks(write: Callable[[Path, Cells], Path], tmp_path: Path) -> None:
    when = datetime.datetime(2025, 10, 1, 9, 30)
    rows: list[list[Any]] = [[], [None, "NIK", "a\nb"], [], [None, 5, 2.5, True, datetime.date(2025, 10, 1), when]]
    table = open_table(write(tmp_path, rows))
    assert [list(row)[: len(given)] for row, given in zip(table.rows, rows, strict=True)] == rows


def test_what_only_the_xml_tells(tmp_path: Path) -> None:
    below: list[list[Any]] = [["2"], ["3"], [None, None, "=A1"]]
    rows: list[list[Any]] = [["a", "b", "c"], ["1", "=A2", "#N/A"], *below]
    table = open_table(by_openpyxl(tmp_path, rows, hidden=[2, 4, 90], merged=["B3:B4"]))
    assert table.hidden == {2, 4}
    assert list(table.rows[1]) == ["1", Flaw.FORMULA, Flaw.ERROR]
    assert table.rows[2][1] is None
    assert table.rows[3][1] is Flaw.MERGED
    assert list(table.rows[4]) == [None, None, Flaw.FORMULA]
    assert {remark.key for remark in table.remarks} == {"hidden_rows", "merged_areas"}


def test_the_first_sheet_is_read_or_the_one_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "Aktif"
    book.active["A1"] = "one"
    book.create_sheet("Keluar 3320051203900001")["A1"] = "two"
    book.save(tmp_path / "two.xlsx")
    first = open_table(tmp_path / "two.xlsx")
    assert (first.sheet, first.rows[0][0]) == ("Aktif", "one")
    assert open_table(tmp_path / "two.xlsx", "Keluar 3320051203900001").rows[0][0] == "two"
    said = " ".join(remark.sentence("en") for remark in first.remarks)
    with pytest.raises(WrongSheet, match="Aktif") as wrong:
        open_table(tmp_path / "two.xlsx", "Baru")
    assert "3320051203900001" not in said + str(wrong.value)


# ---------------------------------------------------------------- wrong files


def repacked(path: Path, change: Callable[[str, bytes], bytes]) -> bytes:
    """A workbook with changed parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def in_sheet(old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, part: part.replace(old, new) if name.endswith("sheet1.xml") else part


DOCTYPE: Final = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet'
WRONG: Final = (
    ("no text", b"\x00\x00\x00\x01", "no_text"),
    ("bytes of no encoding", b"NIK;a\n\x81\x8d;b\n", "no_text"),
    ("half of UTF-16", b"\xff\xfea", "no_text"),
    ("an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_or_protected"),
    ("a PDF", b"%PDF-1.7", "no_text"),
    ("an open quote", b'NIK,a\n1,"b\n', "wrong_quotes"),
    ("no archive behind its mark", b"PK\x03\x04 and no more", "damaged"),
)


@pytest.mark.parametrize(("what", "content", "key"), WRONG, ids=[case[0] for case in WRONG])
def test_a_wrong_file_is_refused_in_both_languages(what: str, content: bytes, key: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(WrongSheet) as wrong:
        open_table(tmp_path / "file")
    assert wrong.value.remark.key == key
    assert all(len(wrong.value.remark.sentence(language)) > 20 for language in LANGUAGES)


BOMBS: Final = (
    ("a cell far below", in_sheet(b'r="A1"', b'r="A900000"'), "too_many_rows"),
    ("a cell far to the right", in_sheet(b'r="A1"', b'r="XFD1"'), "too_many_columns"),
    ("an entity", in_sheet(b"<worksheet", DOCTYPE), "damaged"),
    ("half a sheet", in_sheet(b"</sheetData>", b""), "damaged"),
    ("no sheet", lambda name, part: part.replace(b"worksheets/sheet1", b"worksheets/sheet9"), "damaged"),
)


@pytest.mark.parametrize(("what", "change", "key"), BOMBS, ids=[case[0] for case in BOMBS])
def test_a_workbook_that_is_a_trap_is_refused(
    what: str, change: Callable[[str, bytes], bytes], key: str, tmp_path: Path
) -> None:
    (tmp_path / "bomb.xlsx").write_bytes(repacked(by_openpyxl(tmp_path, [["NIK"]]), change))
    with pytest.raises(WrongSheet) as wrong:
        open_table(tmp_path / "bomb.xlsx")
    assert wrong.value.remark.key == key


@deterministic
@given(st.integers(0, 1 << 16), st.binary(max_size=6), st.integers(0, 40))
def test_a_damaged_workbook_is_read_or_refused(at: int, new: bytes, cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        content = by_openpyxl(Path(folder), [["NIK", "NPP"], ["1", 2.5]]).read_bytes()
        at %= len(content)
        (Path(folder) / "damaged.xlsx").write_bytes(content[:at] + new + content[at + cut :])
        try:
            open_table(Path(folder) / "damaged.xlsx")
        except WrongSheet as wrong:
            assert wrong.remark.sentence("id")


def test_what_unpacks_to_more_than_it_says_or_may_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = by_openpyxl(tmp_path, [["NIK"]])
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        part = archive.getinfo("xl/styles.xml")
    # The size in the central directory of a workbook that declares less than it contains.
    at = content.rindex(b"xl/styles.xml") - 46 + 24
    content[at : at + 4] = (part.file_size - 10).to_bytes(4, "little")
    (tmp_path / "lies.xlsx").write_bytes(content)
    with pytest.raises(WrongSheet, match="damaged"):
        open_table(tmp_path / "lies.xlsx")
    monkeypatch.setattr(xlsx_marks, "UNPACKED_BYTES_MAX", 100)
    with pytest.raises(WrongSheet, match="unpack"):
        open_table(path)


@pytest.mark.parametrize(
    ("module", "limit", "most", "key"),
    [
        (table_files, "FILE_BYTES_MAX", 10, "file_too_large"),
        (csv_table, "ROWS_MAX", 2, "too_many_rows"),
        (csv_table, "COLUMNS_MAX", 1, "too_many_columns"),
        (csv_table, "CELLS_MAX", 3, "too_many_cells"),
        (csv_table, "CELL_CHARACTERS_MAX", 2, "cell_too_long"),
    ],
)
def test_limits_of_csv(
    module: object, limit: str, most: int, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = csv_file(tmp_path, [["NIK", "TGL"], ["1", "2"], ["3", "4"]])
    open_table(path)
    monkeypatch.setattr(module, limit, most)
    with pytest.raises(WrongSheet) as wrong:
        open_table(path)
    assert wrong.value.remark.key == key


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.csv"):
        with pytest.raises(WrongSheet, match="cannot be read"):
            open_table(path)


@deterministic
@given(st.integers(0, cells.COLUMNS_MAX - 1))
def test_letters_name_a_column_and_are_read_back(index: int) -> None:
    assert letters(index) == get_column_letter(index + 1)
    assert column_index(letters(index)) == index
