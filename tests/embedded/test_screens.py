"""The output of the reading commands on real terminals and pipes, for a book that the service has processed."""

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from deploy.embedded.stack import Stack
from peserta.operations.clickhouse_reading import analyst
from peserta.operations.coverage_reading import under_policies
from peserta.operations.service import Service
from peserta.operations.topics import make_topics
from schemas.dates import instant
from schemas.public_json import JsonObject
from tests.support.installation import installation
from tests.support.told import (
    COMMAND_LIMIT_S,
    Told,
    arrived,
    objects,
    offline,
    on_terminal,
    peserta,
    surroundings,
    told_book,
)


@pytest.fixture(scope="module")
def told(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with told_book(stack, "screens", tmp_path_factory.mktemp("screens")) as book:
        yield book


@pytest.fixture(scope="module")
def expected(told: Told) -> list[JsonObject]:
    return offline(told.files.facts.parent, told.story.as_of)


UNKNOWN: Final = (["coverage"], ["coverage", "--json"], ["coverage", "--as-of", "2025-09-30"], ["alerts", "--company"])


@pytest.mark.parametrize("command", UNKNOWN, ids=" ".join)
def test_a_company_that_the_book_does_not_know_is_said(told: Told, command: list[str]) -> None:
    assert "JT-9999 is not a company of this book" in told.ask(*command, "JT-9999", code=1)


def test_why_a_company_is_not_evaluable_is_said(told: Told) -> None:
    said = told.ask("coverage", "JT-0008-A")
    assert "not evaluable" in said
    assert "nobody works there whom the policy counts" in said


def test_counts_and_baselines_under_each_policy_are_those_of_the_book(told: Told, expected: list[JsonObject]) -> None:
    """Compares figures calculated from the views with those in the last alert of each company and policy."""
    last = {(str(o["company_id"]), str(o["policy_id"])): o for o in expected if o["kind"] == "alert"}
    compared = 0
    with analyst(told.settings) as client:
        for company_id in {company for company, _ in last}:
            for under in under_policies(client, company_id):
                assert (under.why is None) == (under.state != "not_evaluable")
                alert = last.get((company_id, under.policy.policy_id))
                if alert is not None and alert["baseline_covered"] is not None and under.baseline is not None:
                    base = under.baseline.covered, under.baseline.divisor(under.policy.clock)
                    assert base == (alert["baseline_covered"], alert["baseline_divisor"])
                    compared += 1
    assert compared


def test_coverage_of_the_past_is_that_of_an_offline_book_of_then(told: Told, tmp_path: Path) -> None:
    on, until = "2025-07-01", "2025-07-01T12:00:00+07:00"
    early = [line for line in told.story.facts if _recorded_at(line) <= instant(until)]
    assert 0 < len(early) < len(told.story.facts)
    (tmp_path / "facts.ndjson").write_text("".join(f"{line}\n" for line in early), encoding="utf-8")
    then = objects(peserta(surroundings(), "simulate", "--as-of", on, str(tmp_path / "facts.ndjson")))
    same = ("company_id", "active", "covered", "uncovered", "uncovered_new", "coverage_bp", "joined_30", "as_of")
    said = objects(told.ask("coverage", "--as-of", on, "--known-at", until, "--json"))
    wanted = {str(o["company_id"]): [o.get(name) for name in same if name in o] for o in then if o["kind"] == "company"}
    names = [name for name in same if name in next(o for o in then if o["kind"] == "company")]
    assert {str(row["company_id"]): [row[name] for name in names] for row in said} == wanted
    for arguments in (["--as-of", on], ["--known-at", until], ["--as-of", on, "JT-0001-A"]):
        assert "JT-0001-A" in told.ask("coverage", *arguments)


def _recorded_at(line: str) -> int:
    """When a line of the story was recorded. A line that is no fact gets a time far in the future."""
    try:
        fields = json.loads(line)
        return instant(fields.get("recorded_at", fields["occurred_at"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return 1 << 60


def test_alerts_have_one_order(told: Told) -> None:
    once = told.ask("alerts", "--json")
    assert [told.ask("alerts", "--json") for _ in range(3)] == [once] * 3
    ids = [o["alert_id"] for o in objects(once)]
    lines = told.ask("alerts").splitlines()
    assert [line.split()[3] for line in lines] == [str(alert_id).split("/")[0] for alert_id in ids]


def test_a_company_without_alerts_is_known(told: Told, expected: list[JsonObject]) -> None:
    with_alerts = {o["company_id"] for o in expected if o["kind"] == "alert"}
    (quiet, *_) = {str(o["company_id"]) for o in expected if o["kind"] == "company"} - with_alerts
    assert told.ask("alerts", "--company", quiet) == ""


def test_nothing_is_empty_in_csv_and_text_is_never_nothing(told: Told) -> None:
    query = "SELECT NULL AS nothing, '' AS empty, '\\\\N' AS text, [NULL] AS list"
    assert told.ask("sql", "--format", "csv", query).splitlines() == [
        '"nothing","empty","text","list"',
        ',"","\\N","[NULL]"',
    ]


def test_a_row_of_many_columns_is_a_record_on_a_terminal(told: Told) -> None:
    row = objects(told.ask("sql", "--format", "json", "SELECT * FROM coverage_current WHERE company_id = 'JT-0001-A'"))[
        0
    ]
    said = on_terminal(told.environment, 80, "sql", "SELECT * FROM coverage_current WHERE company_id = 'JT-0001-A'")
    assert said.startswith("1 row\n- 1\n")
    fields = dict(line.split(None, 1) for line in said.splitlines()[2:] if len(line.split(None, 1)) == 2)
    assert fields["company_id"] == "JT-0001-A"
    assert fields["coverage_bp"].strip() == str(row["coverage_bp"])
    assert set(fields) == {name for name, value in row.items() if value not in (None, "")}


def test_what_is_markup_elsewhere_is_text(told: Told) -> None:
    assert "[red]x[/red]" in told.ask("sql", "SELECT '[red]x[/red]' AS company_id")
    said = told.ask("health")
    assert said.count("● ready") == 3
    assert "[" not in said


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize(
    "command", [["coverage"], ["coverage", "JT-0002-A"], ["policies", "list"], ["companies", "list"]], ids=" ".join
)
def test_ids_and_dates_are_whole_on_a_terminal(told: Told, command: list[str], width: int) -> None:
    said = on_terminal(told.environment, width, *command)
    ids = re.findall(r"JT-\S*", said)
    assert set(ids) <= set(re.findall(r"company_id: (\S+)", told.story.companies_yaml)) or command[0] == "policies"
    assert "…" not in said
    assert re.search(r"\b\d{4}-\d\d-\d\d\b", said) or command[0] == "companies"


PIPED: Final = (
    ["alerts"], ["alerts", "--json"], ["alerts", "--follow"], ["coverage"], ["coverage", "--json"],
    ["policies", "list"], ["companies", "list"], ["sql", "SELECT number FROM numbers(100000)"], ["health"], ["audit"],
    ["sql", "--format", "csv", "SELECT number FROM numbers(100000)"], ["journal", "export", "piped"],
)  # fmt: skip


@pytest.mark.parametrize("command", PIPED, ids=" ".join)
def test_a_reader_who_goes_is_no_fault(told: Told, command: list[str], tmp_path: Path) -> None:
    """As with `| true`, the reader ends before the command writes anything."""
    reads, writes = os.pipe()
    os.close(reads)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "peserta", *command], stdout=writes, stderr=subprocess.PIPE, cwd=tmp_path,
            env=told.environment, timeout=COMMAND_LIMIT_S, check=False,
        )  # fmt: skip
    finally:
        os.close(writes)
    assert (done.returncode, done.stderr) == (141, b"")


def test_alerts_are_followed_after_the_stored_ones(told: Told) -> None:
    """The test kills the command after the stored alerts, because it would follow new alerts without end."""
    stored = told.ask("alerts", "--json").encode()
    command = [sys.executable, "-m", "peserta", "alerts", "--follow", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=told.environment) as process:
        assert process.stdout is not None
        said = b"".join(process.stdout.readline() for _ in stored.splitlines())
        assert process.poll() is None
        process.kill()
    assert said == stored


def test_an_exported_journal_is_taken_into_a_new_book_by_the_commands_that_it_names(
    told: Told, stack: Stack, tmp_path: Path
) -> None:
    said = told.ask("journal", "export", str(tmp_path / "a book"))
    commands = [shlex.split(line) for line in said.splitlines() if line.startswith("  peserta ")]
    assert [words[1] for words in commands] == [
        "simulate", "topics", "policies", "companies", "tick", "publish", "tick"
    ]  # fmt: skip
    beside = (tmp_path / "a book" / "take-in.sh").read_text(encoding="utf-8")
    assert [line.split()[1] for line in beside.splitlines() if line.startswith("peserta ")] == [
        words[1] for words in commands[1:]
    ]
    again = installation(stack.kafka_address, stack.clickhouse_url, "again.", "again", tmp_path / "data")
    environment = surroundings() | again.environment()
    asyncio.run(make_topics(again))
    with Service(again, tmp_path / "logs") as service:
        service.start()
        for _, *arguments in commands[1:]:
            done = subprocess.run(
                [sys.executable, "-m", "peserta", *arguments],
                env=environment, capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False,
            )  # fmt: skip
            # `publish` may report the lines that the old book also refused.
            assert done.returncode in ((0, 1) if arguments[0] == "publish" else (0,)), done.stderr
        arrived(again)
        assert peserta(environment, "coverage", "--json").count("\n") > 1
        for command in (["coverage", "--json"], ["alerts", "--json"]):
            old, new = objects(told.ask(*command)), objects(peserta(environment, *command))
            assert sorted(map(_without_place, new)) == sorted(map(_without_place, old))
        service.check()


def _without_place(o: JsonObject) -> str:
    """Figures or an alert, without partition and offset of the journal."""
    return json.dumps({name: value for name, value in o.items() if not name.startswith("journal_")}, sort_keys=True)
