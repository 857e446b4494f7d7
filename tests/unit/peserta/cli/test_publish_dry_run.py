"""`peserta publish --dry-run` reports the fate that each line of a file would have, and sends nothing."""

import re
import sys
from pathlib import Path
from typing import Final

import pytest

from peserta.cli.main import main
from schemas.fact_json import line_of
from schemas.records import Fact
from tests.support.facts import correction, enrollment, hire, termination

NOBODY: Final = "127.0.0.1:1"  # a dry run connects to nothing; a connection here would fail
GOOD: Final = (
    hire("e1", "2025-09-01"),
    enrollment("e2", "2025-09-02"),
    termination("e3", "2025-09-03"),
    correction("e4", "e3", "2025-09-04"),
)


def lines(*facts: Fact | str) -> str:
    return "".join(f"{fact if isinstance(fact, str) else line_of(fact)}\n" for fact in facts)


LONG: Final = line_of(hire("e9", "2025-09-01"))[:-1] + f',"x":"{"x" * 17_000}"}}'
FILES: Final[tuple[tuple[str, str, int, int, dict[int, str]], ...]] = (
    ("good lines", lines(*GOOD), 0, 4, {}),
    ("an empty file", "", 1, 0, {}),
    ("blank lines between", lines(GOOD[0], "", "  ", GOOD[1]), 0, 2, {}),
    ("no JSON", lines("hire e1", GOOD[0]), 1, 1, {1: "decode_error"}),
    ("no object", lines("[]", GOOD[0]), 1, 1, {1: "decode_error"}),
    ("a national id", lines(GOOD[0], hire("e1", "2025-09-01", worker="9" * 16)), 1, 1, {2: "national_id"}),
    ("a participant number", lines(hire("e1", "2025-09-01", worker="9" * 11)), 1, 0, {1: "national_id"}),
    ("a type that is none", lines(line_of(GOOD[0]).replace("hire", "fire", 1)), 1, 0, {1: "invalid_field"}),
    ("an extra field", lines(line_of(GOOD[0])[:-1] + ',"wage":1}'), 1, 0, {1: "invalid_field"}),
    ("a line too long", lines(LONG), 1, 0, {1: "oversized"}),
    ("a century too late", lines(GOOD[0], hire("e5", "2125-09-01", at="2025-09-01T00:00:00Z")), 1, 1,
     {2: "effective_on_out_of_range"}),
)  # fmt: skip


def dry_run(*paths: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("PESERTA_KAFKA", NOBODY)
    monkeypatch.setenv("PESERTA_CLOCK", "replay")
    monkeypatch.setattr(sys, "argv", ["peserta", "publish", "--dry-run", *map(str, paths)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def refused_rows(out: str) -> dict[int, str]:
    """Line number -> reason, for each refused line."""
    return {
        int(line): reason for line, reason in re.findall(r"^\S+:(\d+):(?: e\d+)? (\w+)(?:: .*)?$", out, re.MULTILINE)
    }


@pytest.mark.parametrize(
    ("text", "code", "published", "reasons"), [case[1:] for case in FILES], ids=[case[0] for case in FILES]
)
def test_a_file(
    text: str,
    code: int,
    published: int,
    reasons: dict[int, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "facts.ndjson").write_text(text, encoding="utf-8")
    assert dry_run(tmp_path / "facts.ndjson", monkeypatch=monkeypatch) == code
    said = capfd.readouterr()
    first = said.out.splitlines()[0]
    assert first == f"{published} would be published, {len(reasons)} refused"
    assert refused_rows(said.out) == reasons
    assert all(f"{reason} (1): " in said.err for reason in reasons.values())
    assert "9" * 11 not in said.out + said.err


def test_a_line_is_named_by_its_file_and_its_number_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.ndjson").write_text(lines(GOOD[0], ""), encoding="utf-8")
    (tmp_path / "two.ndjson").write_text(lines("nonsense"), encoding="utf-8")
    assert dry_run(tmp_path / "one.ndjson", tmp_path / "two.ndjson", monkeypatch=monkeypatch) == 1
    assert f"{tmp_path}/two.ndjson:1: decode_error" in capfd.readouterr().out


def test_of_many_refusals_the_first_are_shown_and_all_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "facts.ndjson").write_text("nonsense\n" * 25, encoding="utf-8")
    assert dry_run(tmp_path / "facts.ndjson", monkeypatch=monkeypatch) == 1
    said = capfd.readouterr()
    assert said.out.startswith("0 would be published, 25 refused\n")
    assert set(refused_rows(said.out)) == set(range(1, 21))
    assert "decode_error (25): " in said.err
