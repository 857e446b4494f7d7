"""The command line on a real broker, workers and ClickHouse: runs a whole book by commands only, and `peserta up`."""

import asyncio
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import clickhouse_connect
import pytest

from deploy.embedded.stack import Stack
from peserta.demo.run import ARRIVAL_LIMIT_S
from peserta.operations.kafka_reading import end_offsets, wait_until_worked
from schemas.public_json import JsonObject
from tests.support.told import (
    COMMAND_LIMIT_S,
    Told,
    arrived,
    objects,
    offline,
    peserta,
    recorded,
    told_book,
    without_lines,
)

FACT: Final = (
    '{"type":"hire","event_id":"e1","company_id":"C1","worker_id":"w1","effective_on":"%s",'
    '"occurred_at":"%sT02:00:00Z","source":"hris","employment_type":"fixed_term"}\n'
)


# ---------------------------------------------------------------- a whole book by commands


@pytest.fixture(scope="module")
def told(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with told_book(stack, "commands", tmp_path_factory.mktemp("commands")) as book:
        yield book


@pytest.fixture(scope="module")
def expected(told: Told) -> list[JsonObject]:
    return offline(told.files.facts.parent, told.story.as_of)


def test_what_became_of_the_published_lines_is_what_the_offline_book_says(
    told: Told, expected: list[JsonObject]
) -> None:
    lines = [line for line in told.said["publish"].splitlines() if line.startswith("{")]
    *refused, summary = objects("\n".join(lines))
    said = Counter(o["disposition"] for o in expected if o["kind"] == "disposition")
    assert {name: summary[name] for name in ("sent", "duplicate", "no_effect", "not_recorded", "not_in_book")} == {
        "sent": len(told.story.facts),
        "duplicate": said["duplicate"],
        "no_effect": said["no_effect"],
        "not_recorded": 0,
        "not_in_book": 0,
    }
    assert sorted((line["line"], f"dead_letter:{line['reason']}") for line in refused) == sorted(
        (o["line"], o["disposition"])
        for o in expected
        if o["kind"] == "disposition" and str(o["disposition"]).startswith("dead_letter:")
    )
    assert summary["applied"] == len(told.story.facts) - said.total()


def test_commands_say_what_they_did(told: Told) -> None:
    assert told.said["topics create"].strip() == "16 topics, for a book of 2 partitions"
    assert told.said["tick"].strip() == f"{told.story.as_of} has begun in all 2 partitions"
    assert told.said["policies apply"].count(" new\n") == told.story.policies_yaml.count("policy_id:")
    assert told.said["companies apply"].count(" new\n") == told.story.companies_yaml.count("company_id:")


def test_a_date_before_that_of_the_book_cannot_begin(told: Told) -> None:
    journal = [told.settings.topics.journal]
    before = asyncio.run(end_offsets(told.settings.kafka, journal))
    said = told.ask("tick", "2025-06-01", code=2)
    assert "2025-06-01 cannot begin" in said
    assert "dates do not go back" in said
    assert asyncio.run(end_offsets(told.settings.kafka, journal)) == before


@pytest.mark.parametrize(
    ("on", "code", "words"),
    [("2052-12-31", 2, ["--allow-future", "newest business date"]), ("", 0, ["had begun in all 2 partitions"])],
    ids=["a date decades ahead", "the last date again"],
)
def test_what_a_tick_does_not_do_it_says(told: Told, on: str, code: int, words: list[str]) -> None:
    journal = [told.settings.topics.journal]
    before = asyncio.run(end_offsets(told.settings.kafka, journal))
    said = told.ask("tick", on or told.story.as_of, code=code)
    assert [word for word in words if word not in said] == []
    assert asyncio.run(end_offsets(told.settings.kafka, journal)) == before


def test_topics_are_made_once_and_listed(told: Told) -> None:
    assert told.ask("topics", "create") == told.said["topics create"]
    listed = told.ask("topics", "list")
    assert listed.count("commands.") == 16
    assert re.search(r"commands\.coverage\.journal\.v1\s+for ever", listed)


def test_what_is_applied_already_changes_nothing(told: Told) -> None:
    again = told.ask("policies", "apply", "--dry-run", str(told.files.policies))
    assert "Nothing was sent" in again
    assert again.count(" unchanged\n") == told.said["policies apply"].count(" new\n") > 0


def test_what_may_not_be_meant_in_policies_is_said(told: Told, tmp_path: Path) -> None:
    """Warns of a scope without companies, and of other content under the same version. Both could still be applied."""
    file = tmp_path / "policies.yaml"
    edited = told.story.policies_yaml.replace("6000", "6500").replace('kbli_prefixes: ["152"]', "regencies: [jepara]")
    file.write_text(edited, encoding="utf-8")
    command = [sys.executable, "-m", "peserta", "policies", "apply", "--dry-run", str(file)]
    done = subprocess.run(
        command, env=told.environment, capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=True
    )
    floor, pact, scope = done.stderr.splitlines()
    assert floor.startswith("Note: floor-60: its content is other") and pact.startswith("Note: pact-20pp: its content")
    assert (
        scope
        == "Note: pact-20pp: scope.regencies: no registered company matches 'jepara'; the nearest known is 'Jepara'."
    )
    assert done.stdout.count(" changed\n") == 2


def test_policies_and_companies_are_listed(told: Told) -> None:
    policies, companies = told.ask("policies", "list"), told.ask("companies", "list")
    for policy_id in re.findall(r"policy_id: (\S+)", told.story.policies_yaml):
        assert policy_id.strip('"') in policies
    for company_id in re.findall(r"company_id: (\S+)", told.story.companies_yaml):
        assert company_id.strip('"') in companies


def test_coverage_is_that_of_the_offline_book(told: Told, expected: list[JsonObject]) -> None:
    same = ("company_id", "active", "covered", "uncovered", "uncovered_new", "coverage_bp", "coverage_due_bp", "as_of")
    found = objects(told.ask("coverage", "--json"))
    assert [{name: row[name] for name in same} for row in found] == [
        {name: o[name] for name in same} for o in without_lines(expected, "company")
    ]


def test_coverage_of_one_company_shows_its_policies(told: Told) -> None:
    said = told.ask("coverage", "JT-0002-A")
    assert "JT-0002-A" in said
    assert "JT-0001-A" not in said
    assert "breached" in said
    assert [
        word for word in ("missing", "at least", "points above the baseline", "everybody") if word not in said
    ] == []


def test_alerts_are_those_of_the_offline_book(told: Told, expected: list[JsonObject]) -> None:
    journal = ("journal_partition", "journal_offset", "recorded_at")
    found = [{"kind": "alert", **o} for o in objects(told.ask("alerts", "--json"))]
    assert all(name in o for o in found for name in journal)
    for o in found:
        for name in journal:
            del o[name]
        nobody: JsonObject = {"acknowledged_by": None, "acknowledged_at": None, "assigned_to": None, "notes": []}
        assert o.pop("handling") == nobody
    assert without_lines(found, "alert") == without_lines(expected, "alert")


def test_alerts_of_one_company_for_people(told: Told, expected: list[JsonObject]) -> None:
    lines = told.ask("alerts", "--company", "JT-0002-A").splitlines()
    assert len(lines) == sum(o["kind"] == "alert" and o["company_id"] == "JT-0002-A" for o in expected) > 0
    assert all("JT-0002-A" in line and ("firing" in line or "resolved" in line) for line in lines)


QUERY: Final = "SELECT company_id, active, name FROM coverage_current ORDER BY company_id LIMIT 2"


def test_sql_in_three_forms(told: Told) -> None:
    rows = objects(told.ask("sql", "--format", "json", QUERY))
    assert [row["company_id"] for row in rows] == ["JT-0001-A", "JT-0001-B"]
    csv = told.ask("sql", "--format", "csv", QUERY).splitlines()
    assert csv[0] == '"company_id","active","name"'
    assert csv[1] == f'"JT-0001-A",{rows[0]["active"]},"{rows[0]["name"]}"'
    table = told.ask("sql", QUERY)
    assert table.startswith("2 rows\n")
    assert str(rows[1]["name"]) in table
    assert told.ask("sql", "SELECT 1 AS one").startswith("1 row\none\n")


@pytest.mark.parametrize(
    ("query", "words"),
    [("SELECT nonsense", "nonsense"), ("DROP TABLE ledger_lines", "refuses"), ("SELECT", "refuses")],
    ids=["an unknown column", "a change", "half a query"],
)
def test_sql_that_is_refused(told: Told, query: str, words: str) -> None:
    assert words in told.ask("sql", query, code=2)


def test_a_book_that_no_sink_has_begun_is_not_there_yet(told: Told) -> None:
    elsewhere = {**told.environment, "PESERTA_CLICKHOUSE_DATABASE": "nobody"}
    assert "no database nobody yet" in peserta(elsewhere, "coverage", code=69)


def test_an_exported_journal_gives_the_same_book(told: Told, expected: list[JsonObject], tmp_path: Path) -> None:
    said = told.ask("journal", "export", str(tmp_path / "book"))
    assert said.startswith(f"{len(told.story.facts)} facts, ")
    assert f"--as-of {told.story.as_of} " in said
    again = offline(tmp_path / "book", told.story.as_of)
    for kind in ("company", "alert"):
        assert without_lines(again, kind) == without_lines(expected, kind)


def test_an_audit_goes_on_from_its_position_and_finds_what_was_lost_in_clickhouse_since(
    told: Told, tmp_path: Path
) -> None:
    position, twice = tmp_path / "position", tmp_path / "twice.ndjson"
    assert "covers the whole book" in told.ask("audit", "--save", str(position))
    twice.write_text(f"{told.story.facts[0]}\n" * 2, encoding="utf-8")
    told.ask("publish", str(twice))
    streams = told.settings.stream_settings()
    asyncio.run(wait_until_worked(told.settings.kafka, streams.recorder_app, streams.inbound_names, ARRIVAL_LIMIT_S))
    arrived(told.settings)

    since = "audit", "--since", str(position)
    said = json.loads(told.ask(*since, "--json"))
    assert (said["dispositions"], said["is_well"]) == ({"duplicate": 2}, True)
    assert said["dispositions_in_total"]["duplicate"] > 2
    compared = Counter({f["claim"]: 0 for f in said["findings"]})
    for finding in said["findings"]:
        compared[finding["claim"]] += finding["compared"]
    assert compared["ledger = journal folded again"] == compared["ledger records and chain in ClickHouse"] == 2
    assert "A seal is proved by the whole history" in told.ask(*since, "--seal", str(_seal(told, tmp_path)), code=2)

    (at,) = [(one["partition"], one["journal_next"] - 1) for one in said["partitions"] if one["entries"]]
    with clickhouse_connect.get_client(
        dsn=told.settings.clickhouse_url, database=told.settings.clickhouse_database
    ) as client:
        client.command(f"DELETE FROM ledger_entries WHERE (partition, offset) = {at}")
    lost = told.ask(*since, code=1)
    assert f"ledger records and chain in ClickHouse: missing: {at[1]}" in lost


def _seal(told: Told, folder: Path) -> Path:
    (folder / "seal.json").write_text(told.ask("seal"), encoding="utf-8")
    return folder / "seal.json"


def test_a_policy_that_ends_is_listed_no_more_and_resolves_its_alerts(told: Told) -> None:
    """This test is last because it changes the shared book."""
    before = objects(told.ask("alerts", "--json"))
    resolved = {o["alert_id"] for o in before if o["status"] == "resolved"}
    ended = next(o["policy_id"] for o in before if o["alert_id"] not in resolved)
    assert "No policy has the id 'nonsense'" in told.ask("policies", "end", "nonsense", *RECORDED, code=2)
    told.ask("policies", "end", ended, *RECORDED)
    recorded(told.settings)
    arrived(told.settings)
    assert ended not in told.ask("policies", "list")
    later = [o for o in objects(told.ask("alerts", "--json")) if o not in before]
    assert later
    assert {(o["policy_id"], o["status"], o["reason"]) for o in later} == {(ended, "resolved", "not_evaluable")}


RECORDED: Final = ("--recorded-at", "2026-01-02T00:00:00+07:00")
