"""Commands whose reader ends before them, with real processes and real pipes."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from peserta.cli.pipes import quiet_pipes

TOP: Final = Path(__file__).parents[3]
LIMIT_S: Final = 60
READER_LEFT: Final = 141  # 128 + SIGPIPE, as in a shell
COMMANDS: Final = (
    ["--help"],
    ["--version"],
    ["policies", "apply", "--help"],
    ["topics", "list"],
    ["health"],
    ["health", "--json"],
    ["simulate", "--as-of", "2025-12-31", "many.ndjson"],
)


@pytest.fixture(autouse=True)
def _many_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "many.ndjson").write_text("no fact\n" * 20_000, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "peserta", *arguments]


def environment() -> dict[str, str]:
    """An environment without settings, in which no service runs."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PESERTA_")}
    return {**inherited, "PYTHONPATH": str(TOP), "PESERTA_DATA_DIR": "data"}


def without_reader(*arguments: str, errors: bool = False) -> "subprocess.CompletedProcess[bytes]":
    """Run the command with standard output to a closed pipe; with `errors`, standard error too."""
    reads, writes = os.pipe()
    os.close(reads)
    try:
        return subprocess.run(
            command(*arguments), stdout=writes, stderr=writes if errors else subprocess.PIPE,
            env=environment(), timeout=LIMIT_S, check=False,
        )  # fmt: skip
    finally:
        os.close(writes)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_nobody_reads_any_of_it(arguments: list[str]) -> None:
    done = without_reader(*arguments)
    assert (done.returncode, done.stderr) == (READER_LEFT, b"")


def test_a_reader_who_has_seen_enough() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(command(*COMMANDS[-1]), stdout=pipe, stderr=pipe, env=environment()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert b'"disposition"' in process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (READER_LEFT, b"")


def test_what_went_wrong_keeps_its_exit_code_when_nobody_reads_it() -> None:
    assert without_reader("alerts", errors=True).returncode == 69


def test_a_disk_that_is_full_is_said() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command("topics", "list"),
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=LIMIT_S,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"peserta: Standard output cannot be written: No space left on device.\n"


@pytest.mark.parametrize(("closed", "code"), [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0)])
@pytest.mark.parametrize("arguments", [["topics", "list"], COMMANDS[-1]], ids=" ".join)
def test_streams_that_are_closed_from_the_start(arguments: list[str], closed: str, code: int) -> None:
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *command(*arguments)]
    done = subprocess.run(shell, capture_output=True, env=environment(), timeout=LIMIT_S, check=False)
    assert done.returncode == code
    assert b"Traceback" not in done.stdout + done.stderr


def test_the_streams_are_given_back(capfd: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with pytest.raises(KeyError), quiet_pipes():
        sys.stdout.write("said, and ")
        sys.stdout.buffer.write(b"written\n")
        raise KeyError
    assert (sys.stdout, sys.stderr) == before
    assert sorted(capfd.readouterr().out.split()) == ["and", "said,", "written"]
