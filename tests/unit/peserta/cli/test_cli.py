"""The command line: its help, its exit codes and its error messages."""

import gc
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from typer.main import get_group

from peserta.cli.deferred import every_command
from peserta.cli.main import COMMANDS, app, main
from streams.lane.collector import GC_THRESHOLDS

FACT: Final = (
    '{"type":"hire","event_id":"e1","company_id":"C1","worker_id":"w1","effective_on":"2025-09-01",'
    '"occurred_at":"2025-09-01T02:00:00Z","source":"hris","employment_type":"fixed_term"}\n'
)
SUBSCRIPTION: Final = "- {subscription_id: hr, channel: email, to: [hr@pt.example], effective_from: 2025-01-01}\n"
POLICY: Final = "- policy_id: floor\n  threshold_bp: 5000\n  effective_from: 2025-01-01\n"
NOBODY: Final = "127.0.0.1:1"  # no service listens on this port
ANSWER_LIMIT_S: Final = 30


class Said(NamedTuple):
    """A command's exit code and output."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture(autouse=True)
def _installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An environment without settings, in which no service runs."""
    for name in [name for name in os.environ if name.startswith("PESERTA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PESERTA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    logging.getLogger("aiokafka").setLevel(logging.NOTSET)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run `peserta ARGUMENTS...` in this process. Fails if the command ends with a traceback."""

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["peserta", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = Said(int(ended.value.code or 0), *capfd.readouterr())
        assert "Traceback" not in said.out + said.err
        return said

    return run


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with one file of each kind."""
    (tmp_path / "facts.ndjson").write_text(FACT, encoding="utf-8")
    (tmp_path / "policies.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "companies.yaml").write_text("- company_id: C1\n", encoding="utf-8")
    (tmp_path / "subscriptions.yaml").write_text(SUBSCRIPTION, encoding="utf-8")
    (tmp_path / "array.json").write_text(f"[{FACT}]", encoding="utf-8")
    (tmp_path / "table.csv").write_text("type,event_id\nhire,e1\n", encoding="utf-8")
    (tmp_path / "facts.ndjson.gz").write_bytes(b"\x1f\x8b\x08\x00")
    return tmp_path


# ---------------------------------------------------------------- help


EVERY: Final = dict(every_command(get_group(app)))
LEAVES: Final = {path: command for path, command in EVERY.items() if not hasattr(command, "commands")}


def test_every_command_lets_the_collector_run_as_rarely_as_a_worker_does(run: Run) -> None:
    assert run("--help").code == 0
    assert gc.get_threshold() == GC_THRESHOLDS


SUMMARIES: Final = {name: summary for panel in COMMANDS.values() for name, _, summary in panel}


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_list_of_commands_says_of_each_what_its_own_help_says(name: str) -> None:
    first, _, _ = EVERY[name,].help.partition("\n\n")
    assert " ".join(first.split()) == SUMMARIES[name]


def test_the_commands() -> None:
    assert {" ".join(path) for path in LEAVES} >= {
        "demo",
        "up",
        "tick",
        "publish",
        "coverage",
        "statement",
        *(f"alerts {what}" for what in ("acknowledge", "assign", "note")),
        *(f"notices {what}" for what in ("list", "show", "retry", "give-up")),
        *(f"subscriptions {what}" for what in ("apply", "list", "show", "end", "test")),
        "sql",
        "simulate",
        "journal export",
        *(f"worker {role}" for role in ("recorder", "bookkeeper", "sink")),
        *(f"topics {what}" for what in ("create", "list")),
        *(f"policies {what}" for what in ("apply", "end", "list")),
        *(f"companies {what}" for what in ("apply", "list")),
        *(f"keys {what}" for what in ("create", "list", "expire", "revoke")),
    }


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_help_of_every_command(path: tuple[str, ...], run: Run) -> None:
    said = run(*path, "--help")
    assert said.code == 0
    assert f"peserta {' '.join(path)}" in said.out


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_shows_an_example_of_itself(path: tuple[str, ...]) -> None:
    _, found, example = (LEAVES[path].help or "").partition("Example: ")
    assert found
    assert f"peserta {' '.join(path)}" in example


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    silent = [each.name for each in LEAVES[path].params if each.name != "help" and not getattr(each, "help", None)]
    assert silent == []


# ---------------------------------------------------------------- wrong use: 2

WRONG_USE: Final = (
    ("an unknown command", ["nonsense"], "nonsense"),
    ("an unknown worker", ["worker", "nonsense"], "nonsense"),
    ("an unknown option", ["coverage", "--nonsense"], "--nonsense"),
    ("no file", ["publish"], "FILE.ndjson"),
    ("no date", ["simulate", "facts.ndjson"], "--as-of"),
    ("a date that is none", ["simulate", "--as-of", "31-12-2025", "facts.ndjson"], "31-12-2025"),
    ("a day that is none", ["tick", "2025-02-30"], "2025-02-30"),
    ("a negative grace period", ["simulate", "--grace-days", "-1", "--as-of", "2025-12-31", "f"], "--grace-days"),
    ("a dump of nonsense", ["simulate", "--dump", "nonsense", "--as-of", "2025-12-31", "facts.ndjson"], "nonsense"),
    ("a file that is not there", ["simulate", "--as-of", "2025-12-31", "no.ndjson"], "no.ndjson"),
    ("a folder in place of a file", ["simulate", "--as-of", "2025-12-31", "."], ". cannot be read"),
    ("policies that are not there", ["simulate", "--policies", "no.yaml", "--as-of", "2025-12-31", "f"], "no.yaml"),
    ("a date before what was recorded", ["simulate", "--as-of", "2025-08-31", "facts.ndjson"], "2025-09-01"),
    ("publishing what is not there", ["publish", "-n", "no.ndjson"], "no.ndjson"),
    ("standard input twice", ["publish", "-n", "-", "-"], "given twice"),
    ("publishing a table", ["publish", "table.csv"], "table.csv is a table"),
    ("simulating a packed file", ["simulate", "--as-of", "2025-12-31", "facts.ndjson.gz"], "gunzip -c"),
    ("a demonstration of an array", ["demo", "--facts", "array.json"], "array.json is one JSON array"),
    ("an unknown format", ["sql", "--format", "xml", "SELECT 1"], "xml"),
    ("an unknown question", ["ask", "covrage"], "'coverage'"),
    ("a question without its policy", ["ask", "gaps"], "--policy"),
    ("a question about no date", ["ask", "movement", "--from", "2025-02-30", "--to", "2025-03-01"], "2025-02-30"),
    ("a question at no moment", ["ask", "coverage", "--known-at", "2025-09-01T00:00:00"], "known_at"),
    ("a demonstration of policies alone", ["demo", "--policies", "policies.yaml"], "--facts"),
    ("a demonstration of no facts", ["demo", "--facts", "policies.yaml"], "--as-of"),
)


@pytest.mark.parametrize(("arguments", "word"), [case[1:] for case in WRONG_USE], ids=[case[0] for case in WRONG_USE])
def test_wrong_use(arguments: list[str], word: str, run: Run, files: Path) -> None:
    said = run(*arguments)
    assert said.code == 2
    assert word in said.err


def test_a_question_says_what_it_would_run(run: Run) -> None:
    said = run("ask", "overdue", "--workers", "--as-of", "2025-09-01", "--sql")
    assert said.code == 0
    assert "SET param_as_of = '2025-09-01';\nSET param_known_at = '2199-" in said.out
    assert "-- Overdue enrollments by worker\n" in said.out


WRONG_FILES: Final = (
    ("an unknown key", "policies", POLICY + "  color: red\n", ("'floor'", "color")),
    ("a wrong value", "policies", POLICY + "  hold_days: -3\n", ("'floor'", "hold_days", "-3")),
    ("a missing baseline", "policies", POLICY + "  rule: net_new\n", ("'floor'", "baseline_on")),
    ("a repeated id", "policies", POLICY + POLICY, ("entry 2", "policy_id")),
    ("a key twice", "policies", POLICY + "  policy_id: other\n", ("policy_id",)),
    ("no YAML", "policies", "- [", ("YAML",)),
    ("a number for a text", "companies", "- company_id: C1\n  kbli: 01111\n", ("'C1'", "kbli", "quotes")),
    ("a wrong baseline", "companies", "- company_id: C1\n  baselines: [{date: 2025-01-01}]\n", ("'C1'", "baselines")),
)


@pytest.mark.parametrize(
    ("what", "text", "words"), [case[1:] for case in WRONG_FILES], ids=[case[0] for case in WRONG_FILES]
)
def test_a_wrong_file_is_said_and_nothing_is_sent(
    what: str, text: str, words: tuple[str, ...], run: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command checks the file before it connects, so it reports the file's error and not the missing broker."""
    monkeypatch.setenv("PESERTA_KAFKA", NOBODY)
    (files / f"{what}.yaml").write_text(text, encoding="utf-8")
    for said in (
        run(what, "apply", f"{what}.yaml"),
        run("simulate", f"--{what}", f"{what}.yaml", "--as-of", "2025-12-31", "facts.ndjson"),
    ):
        assert (said.code, said.out) == (2, "")
        assert [word for word in (f"{what}.yaml", *words) if word not in said.err] == []


def test_a_scope_that_matches_no_registered_company_is_said(run: Run, files: Path) -> None:
    (files / "policies.yaml").write_text(POLICY + "  scope: {regencies: [jepara]}\n", encoding="utf-8")
    (files / "companies.yaml").write_text("- {company_id: C1, regency: Jepara}\n", encoding="utf-8")
    rules = ["--policies", "policies.yaml", "--companies", "companies.yaml"]
    said = run("simulate", *rules, "--as-of", "2025-12-31", "facts.ndjson")
    assert (said.code, "Note" in said.out) == (0, False)
    assert (
        "Note: floor: scope.regencies: no registered company matches 'jepara'; the nearest known is 'Jepara'."
        in said.err
    )


# ---------------------------------------------------------------- sources of facts


def test_facts_from_a_pipe_are_read_by_every_command(files: Path) -> None:
    os.mkfifo(files / "pipe")
    for arguments, words in (
        (["simulate", "--as-of", "2025-12-31"], '"active":1'),
        (["publish", "--dry-run"], "1 would be published, 0 refused"),
    ):
        command = [sys.executable, "-m", "peserta", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        for place in ("-", "/dev/stdin"):
            done = subprocess.run(
                [*command, place], input=FACT.encode(), capture_output=True, env=environment, check=True
            )
            assert words in done.stdout.decode()
        with subprocess.Popen([*command, "pipe"], stdout=subprocess.PIPE, env=environment) as process:
            (files / "pipe").write_text(FACT, encoding="utf-8")
            out, _ = process.communicate(timeout=ANSWER_LIMIT_S)
        assert (process.returncode, words in out.decode()) == (0, True)


def test_no_facts_is_said(run: Run, files: Path) -> None:
    (files / "empty.ndjson").write_text("\n \n", encoding="utf-8")
    words = "There are no facts in empty.ndjson."
    simulated = run("simulate", "--as-of", "2025-12-31", "facts.ndjson", "empty.ndjson")
    assert (simulated.code, words in simulated.err) == (0, True)
    found = [run("publish", "-n", *more, "empty.ndjson") for more in ((), ("facts.ndjson",), ("--allow-empty",))]
    assert [(said.code, words in said.err) for said in found] == [(1, True), (1, True), (0, True)]


# ---------------------------------------------------------------- wrong settings: 78

WITHOUT_SETTINGS: Final = (("simulate",), ("token", "new-key"))
READING_SETTINGS: Final = sorted(path for path in LEAVES if path not in WITHOUT_SETTINGS)
ARGUMENTS: Final = {
    "publish": ["facts.ndjson"],
    "roster": ["table.csv", "--company", "C1", "--as-of", "2025-12-31"],
    "import": ["table.csv"],
    "tick": ["2025-12-31"],
    "sql": ["SELECT 1"],
    "statement": ["C1", "--from", "2025-09-01", "--to", "2025-09-30"],
    "journal export": ["book"],
    "policies apply": ["policies.yaml"],
    "policies end": ["floor"],
    "policies try": ["policies.yaml"],
    "companies apply": ["companies.yaml"],
    "keys create": ["hris", "--role", "publisher"],
    "keys expire": ["k1"],
    "keys revoke": ["k1"],
    "subscriptions apply": ["subscriptions.yaml"],
    "subscriptions show": ["hr"],
    "subscriptions end": ["hr"],
    "subscriptions test": ["hr"],
    "alerts acknowledge": ["C1/floor/1"],
    "alerts assign": ["C1/floor/1", "--to", "Sri"],
    "alerts note": ["C1/floor/1", "HR is on it"],
    "notices show": ["hr/C1/floor/1/firing"],
    "notices retry": ["hr/C1/floor/1/firing"],
    "notices give-up": ["hr/C1/floor/1/firing"],
    # A question's own example has what it needs.
    **{" ".join(path): LEAVES[path].help.rpartition(" ".join(path))[2].split() for path in LEAVES if path[0] == "ask"},
}


@pytest.mark.parametrize("path", READING_SETTINGS, ids=" ".join)
def test_wrong_settings(path: tuple[str, ...], run: Run, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESERTA_GRACE_DAYS", "a month")
    said = run(*path, *ARGUMENTS.get(" ".join(path), []))
    assert said.code == 78
    assert "PESERTA_GRACE_DAYS" in said.err


def test_the_sink_needs_a_clickhouse(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESERTA_KAFKA", NOBODY)
    said = run("worker", "sink")
    assert said.code == 78
    assert "PESERTA_CLICKHOUSE_URL" in said.err


@pytest.mark.parametrize(
    ("clock", "arguments", "words"),
    [
        ("wall", ["tick", "2025-12-31"], ("clock: wall",)),
        ("wall", ["policies", "apply", "policies.yaml", "--recorded-at", "2025-01-01T00:00:00Z"], ("--recorded-at",)),
        ("replay", ["policies", "apply", "policies.yaml"], ("--recorded-at",)),
        ("replay", ["companies", "apply", "companies.yaml", "--recorded-at", "noon"], ("noon",)),
    ],
    ids=["a date in a book of the wall clock", "a time there", "no time in a book of history", "a wrong time there"],
)
def test_what_the_clock_of_the_book_does_not_allow(
    clock: str, arguments: list[str], words: tuple[str, ...], run: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PESERTA_KAFKA", NOBODY)
    monkeypatch.setenv("PESERTA_CLOCK", clock)
    said = run(*arguments)
    assert said.code == 2
    assert [word for word in words if word not in said.err] == []


AHEAD: Final = ["--recorded-at", "2099-01-01T00:00:00Z"]


@pytest.mark.timeout(ANSWER_LIMIT_S)
@pytest.mark.parametrize(
    "arguments",
    [["policies", "apply", "policies.yaml"], ["companies", "apply", "companies.yaml"],
     ["policies", "apply", "policies.yaml", "--dry-run"]],
    ids=" ".join,
)  # fmt: skip
def test_a_time_of_recording_ahead_of_now_must_be_meant(
    arguments: list[str], run: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PESERTA_KAFKA", NOBODY)
    monkeypatch.setenv("PESERTA_CLOCK", "replay")
    refused, meant = run(*arguments, *AHEAD), run(*arguments, *AHEAD, "--allow-future")
    assert (refused.code, meant.code) == (2, 69), "the second one asks the broker"
    assert "2099-01-01" in refused.err and "--allow-future" in refused.err


# ---------------------------------------------------------------- no service answers: 69

OF_NOTICES: Final = ("subscriptions", "notices")
NEEDS_KAFKA: Final = sorted(
    path
    for path in LEAVES
    if path[0] in ("alerts", "publish", "tick", "topics", "policies", "companies", "journal", "keys", *OF_NOTICES)
    and path not in (("topics", "list"), ("topics", "acls"))  # these need only the settings
)
RECORDED: Final = ["--recorded-at", "2025-01-01T00:00:00Z"]


def arguments_in_a_replay(path: tuple[str, ...]) -> list[str]:
    words = ARGUMENTS.get(" ".join(path), [])
    return [*path, *words, *(RECORDED if path[-1] in ("apply", "end") and path[0] not in OF_NOTICES else [])]


@pytest.mark.timeout(ANSWER_LIMIT_S)
@pytest.mark.parametrize("path", NEEDS_KAFKA, ids=" ".join)
def test_no_broker_answers(path: tuple[str, ...], run: Run, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESERTA_KAFKA", NOBODY)
    monkeypatch.setenv("PESERTA_CLOCK", "replay")
    said = run(*arguments_in_a_replay(path))
    assert said.code == 69
    assert NOBODY in said.err


@pytest.mark.parametrize("path", NEEDS_KAFKA, ids=" ".join)
def test_no_broker_is_known(path: tuple[str, ...], run: Run, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESERTA_CLOCK", "replay")
    said = run(*arguments_in_a_replay(path))
    assert said.code == 69
    assert "peserta up" in said.err


@pytest.mark.timeout(ANSWER_LIMIT_S)
@pytest.mark.parametrize(
    "arguments", [["coverage"], ["coverage", "C1", "--json"], ["sql", "SELECT 1"], ["ask", "app"]], ids=" ".join
)
@pytest.mark.parametrize("url", ["", f"http://{NOBODY}", f"http://reader:a-secret@{NOBODY}"])
def test_no_clickhouse_answers(arguments: list[str], url: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESERTA_CLICKHOUSE_URL", url)
    said = run(*arguments)
    assert said.code == 69
    assert "PESERTA_CLICKHOUSE_URL" in said.err
    assert "a-secret" not in said.err


# ---------------------------------------------------------------- what every command does


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version") == Said(0, f"peserta {version('peserta')}\n", "")


def test_rights_are_shown_without_a_broker_and_granted_by_one(run: Run) -> None:
    lines = run("topics", "acls", "--role", "sink", "--principal", "User:x", "--commands").out.splitlines()
    assert all(" --allow-principal User:x --operation Read --topic " in line for line in lines)
    assert run("topics", "acls", "--role", "sink", "--json").out.count('"role":"sink"') == len(lines) > 0
    assert run("topics", "acls").out.startswith("Rights\n")
    assert run("topics", "acls", "--apply").code == 69


def test_a_variable_that_is_no_setting_is_named_once_and_the_command_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PESERTA_GRACE_DAY", "secret")
    said = run("topics", "list")
    assert said.code == 0
    assert said.err == (
        "peserta: PESERTA_GRACE_DAY is no setting of Peserta and changes nothing. Is PESERTA_GRACE_DAYS meant?\n"
    )


def test_health_of_nobody_is_said_without_markup(run: Run) -> None:
    said = run("health")
    assert said.code == 1
    assert said.out.count("▲ not ready") == 3
    assert "[" not in said.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--as-of", "2025-02-30"], ("2025-02-30", "no date")),
        (["--as-of", "30-09-2025"], ("30-09-2025", "YYYY-MM-DD")),
        (["--known-at", "2025-09-30"], ("2025-09-30", "--known-at")),
        (["--known-at", "2025-09-30T09:00:00"], ("+HH:MM",)),
        (["--known-at", "2025-02-30T09:00:00Z"], ("--known-at",)),
    ],
    ids=["no such day", "a date written otherwise", "a date for a moment", "no offset", "a moment of no day"],
)
def test_a_past_that_does_not_exist_is_wrong_use(arguments: list[str], words: tuple[str, ...], run: Run) -> None:
    said = run("coverage", *arguments)
    assert (said.code, said.out) == (2, "")
    assert [word for word in words if word not in said.err] == []
