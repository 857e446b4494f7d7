"""`peserta roster` without a service, and its report of a comparison in both languages."""

import io
import string
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final

import pytest

from peserta.cli.main import main
from peserta.cli.roster_screen import show_comparison, unconfirmed
from peserta.cli.roster_words import ENGLISH, INDONESIAN, WORDS, RosterWords
from peserta.cli.screen import Screen
from peserta.intake.rosters.leavers import LeaversUnconfirmed, check_leavers
from peserta.intake.rosters.roster import Roll
from peserta.intake.rosters.sheet import read_roster
from schemas.dates import day
from tests.support.facts import enrollment, hire
from tests.support.random_rosters import OfflineBook

NOBODY: Final = "127.0.0.1:1"
NIK: Final = "3273014507900001"


def roster(monkeypatch: pytest.MonkeyPatch, *arguments: object, kafka: str = NOBODY) -> int:
    monkeypatch.setenv("PESERTA_KAFKA", kafka)
    monkeypatch.setenv("PESERTA_DATA_DIR", "nowhere")
    monkeypatch.setattr(sys, "argv", ["peserta", "roster", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


OF_C1: Final = ("--company", "C1", "--as-of", "2025-09-30")


@pytest.mark.parametrize("more", [("--apply",), ("--json",)])
def test_one_refused_row_and_nothing_is_published_or_printed(
    more: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "roster.csv"
    file.write_text(f"worker_id,started_on\nw1,2025-09-01\n{NIK},2025-09-01\n", encoding="utf-8")
    assert roster(monkeypatch, file, *OF_C1, *more, "--language", "id") == 1
    out, err = capfd.readouterr()
    said = out if more == ("--apply",) else err
    assert "Baris 3, kolom A (worker_id): Kolom ini untuk token" in said
    assert "Tidak ada yang dikirim." in said
    assert NIK not in out + err
    assert (out == "") is (more == ("--json",))


@pytest.mark.parametrize(
    ("text", "arguments", "code", "said"),
    [
        ("worker_id\nw1\n", ("--company", "C1", "--as-of", "2025-13-01"), 2, "no date"),
        ("worker_id\nw1\n", ("--company", "C 1", "--as-of", "2025-09-30"), 2, "company_id must be"),
        ("name\nAni\n", (*OF_C1, "--language", "id"), 2, "Judul kolom tidak ditemukan"),
        ("NIK\n1\n", OF_C1, 2, "a token key is needed"),
        ("worker_id\nw1\n", OF_C1, 69, "No Kafka broker answers"),
    ],
)
def test_what_is_wrong_is_said(
    text: str,
    arguments: tuple[str, ...],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "roster.csv"
    file.write_text(text, encoding="utf-8")
    assert roster(monkeypatch, file, *arguments) == code
    assert said in " ".join(capfd.readouterr().err.split())


@pytest.mark.parametrize("language", sorted(WORDS))
def test_a_comparison_is_said_with_its_leavers_by_token(language: str, tmp_path: Path) -> None:
    words, file = WORDS[language], tmp_path / "roster.csv"
    file.write_text("worker_id,JKK\nw00,Y\nw01,\nnew,Y\n", encoding="utf-8")
    read = read_roster(file, Roll("C1", day("2025-09-30")), key=None)
    hires = [hire(f"e{n}", "2025-09-01", worker=f"w{n:02}") for n in range(8)]
    comparison = OfflineBook([*hires, enrollment("x", "2025-09-02", "JKK", worker="w01")]).compared(read.roster)
    screen = Screen(file=io.StringIO())
    show_comparison(screen, words, read, comparison)
    said = screen.file.getvalue()  # type: ignore[attr-defined]
    assert [line.strip() for line in said.splitlines() if line.startswith("  w")] == [f"w{n:02}" for n in range(2, 8)]
    for kind, count in comparison.counts.items():
        assert [line.split()[-1] for line in said.splitlines() if words.of_change[kind] in line] == [str(count)]
    assert words.no_type_column.format(count=2) in said
    with pytest.raises(LeaversUnconfirmed) as refused:
        check_leavers(comparison, None)
    assert "--confirm-leavers 6" in unconfirmed(words, refused.value)
    with pytest.raises(LeaversUnconfirmed) as wrong:
        check_leavers(comparison, 7)
    assert "7" in unconfirmed(words, wrong.value)


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("name", [each.name for each in fields(RosterWords)])
def test_both_languages_say_the_same_numbers(name: str) -> None:
    english, indonesian = getattr(ENGLISH, name), getattr(INDONESIAN, name)
    assert english != indonesian
    if isinstance(english, Mapping):
        assert english.keys() == indonesian.keys()
    elif isinstance(english, str):
        assert places(english) == places(indonesian)
