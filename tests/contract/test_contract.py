"""Every hand-checked case of the contract: the command prints exactly these bytes, or ends with 2 and says why.

All cases run through the command's code in this process; some through the installed `peserta` as well.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from peserta.cli.main import main

CASES = Path(__file__).parent / "cases"
FOLDERS = sorted(folder.parent for folder in CASES.glob("*/args.txt"))
AS_INSTALLED = ("01", "21", "32", "35", "37", "39", "41")
CASE_SECONDS_MAX = 120


def arguments(folder: Path) -> list[str]:
    """The arguments of a case, names of its files as paths."""
    named = (folder / "args.txt").read_text(encoding="utf-8").splitlines()
    return [str(folder / name) if (folder / name).is_file() else name for name in named]


def check(folder: Path, code: int, out: bytes, err: bytes) -> None:
    failure = folder / "stderr.txt"
    if not failure.exists():
        assert (code, out) == (0, (folder / "expected.ndjson").read_bytes())
        return
    said = err.decode()
    assert code == 2 and said.strip()
    for text in failure.read_text(encoding="utf-8").splitlines():
        assert text in said


def test_the_cases_are_there() -> None:
    assert len(FOLDERS) == 47


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_case_in_this_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "argv", ["peserta", "simulate", *arguments(folder)])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    out, err = capfdbinary.readouterr()
    check(folder, int(code or 0), out, err)


@pytest.mark.parametrize(
    "folder", [f for f in FOLDERS if f.name.startswith(AS_INSTALLED)], ids=lambda folder: folder.name
)
def test_a_case_with_the_installed_command(folder: Path) -> None:
    peserta = Path(sys.executable).with_name("peserta")
    done: Any = subprocess.run(
        [peserta, "simulate", *arguments(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=CASE_SECONDS_MAX,
        check=False,
    )
    check(folder, done.returncode, done.stdout, done.stderr)


FACT = (
    b'{"type":"hire","event_id":"e1","company_id":"C1","worker_id":"w1","effective_on":"2025-09-01",'
    b'"occurred_at":"2025-09-01T02:00:00Z","source":"hris","employment_type":"fixed_term"}\n'
)
WRONG_USE = [
    pytest.param(["--as-of", "2025-02-30"], "2025-02-30", id="a date that is none"),
    pytest.param(["--as-of", "20251231"], "20251231", id="a date in another form"),
    pytest.param([], "--as-of", id="no date"),
    pytest.param(["--as-of", "2025-12-31", "--grace-days", "-1"], "--grace-days", id="a grace period below 0"),
    pytest.param(["--as-of", "2025-12-31", "--grace-days", "x"], "--grace-days", id="a grace period in letters"),
    pytest.param(["--as-of", "2025-12-31", "--dump", "journal"], "--dump", id="another dump"),
    pytest.param(["--as-of", "2025-12-31", "--policies", "nowhere.yaml"], "nowhere.yaml", id="no policy file"),
    pytest.param(["--as-of", "2025-12-31", "--companies", "."], ".", id="a folder for a registry"),
    pytest.param(["--as-of", "2025-12-31", "nowhere.ndjson"], "nowhere.ndjson", id="a second file that is not there"),
    pytest.param(["--as-of", "2025-08-31"], "2025-08-31", id="a date before the business date"),
    pytest.param(
        ["--as-of", "2025-08-31"],
        "lies before 2025-09-01, the business date of company 'C1' (line 1 was recorded then): ask for 2025-09-01",
        id="... whose company and line are named",
    ),
]


LINE = FACT.decode().strip()


@pytest.mark.parametrize(
    ("lines", "company", "number"),
    [
        ([("C1", "2025-09-01"), ("C2", "2025-09-03"), ("C1", "2025-09-02")], "C2", 2),
        ([("C1", "2025-09-03"), ("C2", "2025-09-03")], "C1", 1),
        ([("C1", "2025-09-01"), ("C1", "2025-09-02"), ("C1", "2025-09-01")], "C1", 2),
    ],
)
def test_of_several_the_company_that_is_furthest_is_named(
    lines: list[tuple[str, str]],
    company: str,
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """The line that brought it there, also when the fact is known already; blank lines are counted."""
    text = "".join(LINE.replace("C1", who).replace('"2025-09-01T', f'"{on}T') + "\n" for who, on in lines)
    (tmp_path / "facts.ndjson").write_text("\n" + text, encoding="utf-8")
    assert simulate(monkeypatch, [str(tmp_path / "facts.ndjson"), "--as-of", "2025-08-31"]) == 2
    said = capfdbinary.readouterr().err.decode()
    assert f"the business date of company {company!r} (line {number + 1} was recorded then)" in " ".join(said.split())


def simulate(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> int:
    monkeypatch.setattr(sys, "argv", ["peserta", "simulate", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(("more", "said"), WRONG_USE)
def test_wrong_use_ends_with_2_and_says_what(
    more: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    facts = tmp_path / "facts.ndjson"
    facts.write_bytes(FACT)
    monkeypatch.setenv("COLUMNS", "200")
    assert simulate(monkeypatch, [str(facts), *more]) == 2
    assert said in capfdbinary.readouterr().err.decode()


def test_a_file_without_a_last_line_end_and_with_windows_line_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    files = []
    for name, content in (("a", FACT), ("b", FACT.replace(b"\n", b"\r\n")), ("c", FACT.rstrip())):
        files.append(str(tmp_path / name))
        Path(files[-1]).write_bytes(content)
    assert simulate(monkeypatch, ["--as-of", "2025-09-02", *files]) == 0
    said = capfdbinary.readouterr().out.splitlines()
    assert said[:2] == [
        b'{"disposition":"duplicate","event_id":"e1","kind":"disposition","line":2}',
        b'{"disposition":"duplicate","event_id":"e1","kind":"disposition","line":3}',
    ]
    assert len(said) == 3
