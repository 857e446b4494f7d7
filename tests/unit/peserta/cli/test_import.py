"""`peserta import` without a service: preview, facts as JSON, annotated copy, and reasons to refuse a file."""

import json
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from peserta.cli.main import main
from peserta.intake.sheets.table_files import open_table
from peserta.intake.tokens import TokenKey, make_key
from tests.support.sheets import NIKS, by_openpyxl, csv_file

HEADER: Final = ["NIK", "NPP", "Jenis", "Tanggal", "Status Kerja"]
GOOD: Final = [["Mutasi", "Oktober"], HEADER, [NIKS[0], "C1", "masuk", "01/02/2025", "PKWT"], ["TOTAL"]]
BAD: Final[list[list[Any]]] = [*GOOD[:-1], [float(NIKS[1]), "C1", "masuk", "01/02/2025", "PKWT"]]


class Said(NamedTuple):
    """The command's exit code and output."""

    code: int
    out: str
    err: str


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenKey:
    """The token key in the settings, which have nothing else."""
    monkeypatch.setenv("PESERTA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PESERTA_TOKEN_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.delenv("PESERTA_KAFKA", raising=False)
    return make_key(tmp_path / "key")


def imported(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: Any) -> Said:
    monkeypatch.setattr(sys, "argv", ["peserta", "import", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = Said(int(ended.value.code or 0), *capfd.readouterr())
    assert "Traceback" not in said.out + said.err
    assert not any(nik in said.out + said.err for nik in NIKS)
    return said


def test_a_preview_in_both_languages(
    key: TokenKey, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = csv_file(tmp_path, GOOD, ";")
    said = imported(capfd, monkeypatch, path)
    assert said.code == 0
    for words in ("Status Kerja", "employment_type", "columns by ;", "day first", "read: hire", "all rows", "--apply"):
        assert words in said.out
    said = imported(capfd, monkeypatch, path, "--language", "id")
    assert "Belum ada yang terbit" in said.out
    assert "hari dulu" in said.out


def test_json_prints_facts_and_nothing_else(
    key: TokenKey, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = imported(capfd, monkeypatch, csv_file(tmp_path, GOOD), "--json")
    assert (said.code, said.err) == (0, "")
    (fact,) = map(json.loads, said.out.splitlines())
    assert (fact["worker_id"], fact["effective_on"]) == (key.nik(NIKS[0]), "2025-02-01")


def test_one_refused_row_holds_back_the_file_until_told(
    key: TokenKey, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = by_openpyxl(tmp_path, BAD)
    said = imported(capfd, monkeypatch, path, "--json", "--annotated", tmp_path / "out.xlsx")
    assert (said.code, said.out) == (1, "")
    assert "Row 4, column A (NIK)" in said.err
    assert "--without-refused" in said.err
    assert open_table(tmp_path / "out.xlsx").rows[3][5] == "refused"
    said = imported(capfd, monkeypatch, path, "--json", "--without-refused")
    assert (said.code, len(said.out.splitlines())) == (0, 1)
    assert imported(capfd, monkeypatch, path, "--apply").code == 1


@pytest.mark.parametrize(
    ("rows", "arguments", "code", "words"),
    [
        (GOOD, ["--json", "--apply"], 2, "one of the two"),
        (GOOD, ["--company", "C 1"], 2, "--company"),
        (GOOD, ["--source", ""], 2, "--source"),
        (GOOD, ["--sheet", "A"], 2, "no sheets"),
        (GOOD, ["--mapping", "nowhere.yaml"], 2, "nowhere.yaml"),
        (GOOD, ["--token-key", "nowhere"], 2, "new-key"),
        (GOOD, ["--apply"], 69, "No Kafka"),
        ([["a", "b"]], ["--language", "id"], 2, "Judul kolom"),
        ([HEADER], [], 1, "no facts"),
    ],
)
def test_what_ends_otherwise(
    rows: Any,
    arguments: list[str],
    code: int,
    words: str,
    key: TokenKey,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = imported(capfd, monkeypatch, csv_file(tmp_path, rows), *arguments)
    assert said.code == code
    assert words in said.out + said.err
