"""Sheets as rosters: refused rows, the workers that these rows protect, and the programmes that a file covers."""

from pathlib import Path
from typing import Final

import pytest

from peserta.intake.rosters.roster import Roll, RosterRow, Unread
from peserta.intake.rosters.sheet import RosterSheet, read_roster
from peserta.intake.sheets.rows import RowPassed, RowRead, RowRefused
from peserta.intake.tokens import TokenKey
from schemas.dates import day
from schemas.vocabulary import EMPLOYMENT_TYPE_NUMBER, programme_set

ROLL: Final = Roll("C1", day("2025-09-30"))
NIK: Final = "3273014507900001"
KEY: Final = TokenKey(bytes(range(32)))
PERMANENT: Final = EMPLOYMENT_TYPE_NUMBER["permanent"]


def read(folder: Path, text: str, key: TokenKey | None = KEY) -> RosterSheet:
    file = folder / "roster.csv"
    file.write_text(text, encoding="utf-8")
    return read_roster(file, ROLL, key=key)


def reasons(sheet: RosterSheet) -> dict[int, str]:
    return {row.number: row.reason for row in sheet.refused}


def test_a_row_is_a_worker(tmp_path: Path) -> None:
    sheet = read(
        tmp_path,
        "PT Sepatu Maju\n\nNIK,Status Kerja,JKK,JKM,Tanggal Masuk\n"
        f"{NIK},Tetap,Y,T,01-09-2025\n3273014507900002,,,,\nTotal,,1,0,\n",
    )
    assert sheet.roster.rows == (
        RosterRow(4, KEY.nik(NIK), PERMANENT, programme_set(["JKK"]), day("2025-09-01")),
        RosterRow(5, KEY.nik("3273014507900002")),
    )
    assert sheet.roster.columns == programme_set(["JKK", "JKM"])
    assert (sheet.roster.unread, sheet.refused) == (Unread(), [])
    assert [type(fate) for fate in sheet.fates] == [RowPassed, RowPassed, RowPassed, RowRead, RowRead, RowPassed]


def test_both_rows_of_a_worker_are_refused_and_the_worker_is_not_ended(tmp_path: Path) -> None:
    sheet = read(tmp_path, "worker_id,JKK\nw1,Y\nw2,Y\nw1,Y\n")
    assert reasons(sheet) == {2: "worker_twice", 4: "worker_twice"}
    assert [row.worker_id for row in sheet.roster.rows] == ["w2"]
    assert sheet.roster.unread == Unread(frozenset({"w1"}))


def test_a_second_row_that_is_refused_for_something_else_refuses_the_first(tmp_path: Path) -> None:
    sheet = read(tmp_path, "worker_id,started_on\nw1,2025-09-01\nw1,soon\n")
    assert reasons(sheet) == {2: "worker_twice", 3: "invalid_date"}
    assert sheet.roster.unread == Unread(frozenset({"w1"}))


@pytest.mark.parametrize(
    ("row", "reason", "unread"),
    [
        ("w1,2025-13-01", "invalid_date", Unread(frozenset({"w1"}))),
        ("w1,1969-12-31", "effective_on_out_of_range", Unread(frozenset({"w1"}))),
        (f"{NIK},2025-09-01", "national_id", Unread(is_anybody=True)),
        (f"{NIK},2025-13-01", "invalid_date", Unread(is_anybody=True)),
        ("one two,2025-09-01", "invalid_field", Unread(is_anybody=True)),
        (",2025-09-01", "missing", Unread(is_anybody=True)),
    ],
)
def test_whom_a_refused_row_protects(row: str, reason: str, unread: Unread, tmp_path: Path) -> None:
    sheet = read(tmp_path, f"worker_id,started_on\n{row}\nw2,2025-09-01\n", None)
    assert (reasons(sheet), sheet.roster.unread) == ({2: reason}, unread)
    assert isinstance(sheet.fates[1], RowRefused)
    assert NIK not in sheet.fates[1].remark.sentence("en") + repr(sheet.roster)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("worker_id\nw1\n", ""),
        ("worker_id,JMO\nw1,\n", "JMO"),
        ("worker_id,programmes\nw1,JKK+JKM\n", "JHT JKK JKM JKP JP"),
        ("worker_id,programmes\nw1,JKK\nw2,JMO\n", "JHT JKK JKM JKP JP JMO"),
        ("worker_id,programmes,JMO\nw1,JKK,\n", "JHT JKK JKM JKP JP JMO"),
        ("worker_id,JHT,JKK\nw1,,\n", "JHT JKK"),
    ],
)
def test_programmes_that_a_file_tells_of(text: str, told: str, tmp_path: Path) -> None:
    assert read(tmp_path, text).roster.columns == programme_set(told.split())
