"""`peserta token` turns personal numbers into tokens, and its output never contains a number."""

import io
import sys
from pathlib import Path
from typing import Final

import pytest

from peserta.cli.main import main
from peserta.intake.tokens import TokenKey, make_key

NIK: Final = "3320051203900001"
WRONG: Final = "3320059903900001"


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PESERTA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("PESERTA_TOKEN_KEY_FILE", raising=False)
    make_key(tmp_path / "key")
    return tmp_path / "key"


def ended(monkeypatch: pytest.MonkeyPatch, given: bytes, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["peserta", "token", *arguments])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_tokens_on_standard_output_and_refused_lines_on_standard_error(
    key_file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    given = f"\ufeff{NIK}\r\n\n{WRONG}\n{'9' * 10_000}\n3320.0512.0390.0001".encode() + b"\n\xff\xfe\n"
    code = ended(monkeypatch, given, "make", "--token-key", str(key_file))
    said = capfd.readouterr()
    assert code == 1
    assert said.out == f"{TokenKey.read(key_file).nik(NIK)}\n" * 2
    assert [line for line in said.err.splitlines() if line.startswith("line ")] == [
        f"line {number}: invalid_nik" for number in (3, 4, 6)
    ]
    assert not any(number in said.out + said.err for number in (NIK, WRONG, "99999"))


def test_the_setting_names_the_key_and_employee_numbers_are_of_a_company(
    key_file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PESERTA_TOKEN_KEY_FILE", str(key_file))
    assert ended(monkeypatch, b"A 17\n", "make", "--of", "employee", "--company", "C1") == 0
    assert capfd.readouterr().out == f"{TokenKey.read(key_file).employee('C1', 'A 17')}\n"
    assert ended(monkeypatch, b"A 17\n", "make", "--of", "employee") == 2
    assert ended(monkeypatch, b"A 17\n", "make", "--company", "C1") == 2


def test_without_a_key_the_way_out_is_said(
    key_file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, b"", "make") == 2
    assert "new-key" in capfd.readouterr().err
    assert ended(monkeypatch, b"", "new-key", str(key_file)) == 2
    assert ended(monkeypatch, b"", "new-key", str(key_file.with_name("other"))) == 0
    assert "mark" in capfd.readouterr().out
