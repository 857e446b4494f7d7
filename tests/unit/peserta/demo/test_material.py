"""The material of a demonstration, and its answers in the form of the offline book."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from peserta.demo.answers import answers
from peserta.demo.material import Material, from_files, from_story
from peserta.demo.proof import prove
from peserta.demo.story import DEFAULT_SEED, story
from peserta.operations.failure import Failed, Rejected
from schemas.dates import day, instant
from schemas.fact_json import line_of
from schemas.public_json import JsonObject
from streams.core.simulate import Rules, simulate
from tests.support.demo_in_memory import through
from tests.support.facts import hire, level

HIRED = line_of(hire("e1", "2025-09-01", at="2025-09-01T02:00:00Z"))
LATE = line_of(hire("e2", "2025-09-01", at="2025-09-01T02:00:00Z"), instant("2025-10-07T18:00:00Z"))


def written(folder: Path, *lines: str) -> list[Path]:
    path = folder / "facts.ndjson"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return [path]


def test_without_a_date_it_is_that_of_the_last_recording_in_jakarta(tmp_path: Path) -> None:
    material = from_files(written(tmp_path, HIRED, LATE, "no fact"), Rules(), None)
    assert material.as_of == day("2025-10-08")
    assert [number for number, _ in material.lines] == [1, 2, 3]


def test_rules_are_recorded_no_later_than_the_first_record(tmp_path: Path) -> None:
    assert from_files(written(tmp_path, LATE, HIRED), Rules(), None).starts_at == instant("2025-09-01T02:00:00Z")


def test_a_record_that_will_be_refused_counts_for_the_beginning_and_not_for_the_end(tmp_path: Path) -> None:
    """The record has a time of recording, but no date of its company depends on it."""
    doomed = line_of(hire("e3", "2035-01-01"), instant("2024-01-01T00:00:00Z"))
    later = line_of(hire("e4", "1990-01-01"), instant("2030-01-01T00:00:00Z"))
    material = from_files(written(tmp_path, HIRED, doomed, later), Rules(), None)
    assert material.starts_at == instant("2024-01-01T00:00:00Z")
    assert material.as_of == day("2025-09-01")


def test_a_date_before_a_recording_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"2025-10-08, the business date of company 'C1' \(line 2") as failed:
        from_files(written(tmp_path, HIRED, LATE), Rules(), "2025-10-07")
    assert isinstance(failed.value, Rejected)


def test_files_without_a_fact_need_a_date(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="--as-of"):
        from_files(written(tmp_path, "no fact"), Rules(), None)
    assert from_files(written(tmp_path, "no fact"), Rules(), "2025-10-07").as_of == day("2025-10-07")


def test_the_story_as_material_is_the_story() -> None:
    told = story(DEFAULT_SEED, 0.05)
    material = from_story(told)
    assert [line.decode() for _, line in material.lines] == list(told.facts)
    assert [raw.reason for raw in material.raw_records] == [broken.reason for broken in told.broken]
    assert material.as_of == day(told.as_of)
    assert material.rules.grace_days == told.grace_days
    assert material.told is told


# ---------------------------------------------------------------- answers


def by_company(said: list[JsonObject]) -> list[JsonObject]:
    """The output of `simulate`, sorted like `answers`: dispositions, alerts of each company in order, companies."""
    kinds = {
        kind: [fields for fields in said if fields["kind"] == kind] for kind in ("disposition", "alert", "company")
    }
    alerts = sorted(kinds["alert"], key=lambda alert: str(alert["company_id"]))
    return [*kinds["disposition"], *alerts, *kinds["company"]]


def assert_answers_as_the_offline_book(material: Material) -> None:
    run = through(material)
    sent, evidence = run.sent, run.evidence()
    assert [check for check in prove(material, sent, evidence) if not check.holds] == []
    offline = list(simulate(material.lines, material.rules, material.as_of))
    assert list(answers(sent, evidence)) == by_company(offline)


def test_the_service_answers_a_story_as_the_offline_book() -> None:
    told = from_story(story(DEFAULT_SEED, 0.05))
    assert_answers_as_the_offline_book(replace(told, raw_records=()))


def test_the_service_answers_a_disorderly_file_as_the_offline_book(tmp_path: Path) -> None:
    """The file has invalid lines, a national id, a fact out of range, a fact sent twice, a conflict, a second hire."""
    facts = [hire(f"e{n}", "2025-09-01", worker=f"w{n}", company=f"C{n % 3}") for n in range(9)]
    paths = written(
        tmp_path,
        *(line_of(fact) for fact in facts),
        "no fact",
        line_of(facts[0]),
        line_of(facts[1]._replace(source="another")),
        line_of(hire("e20", "2025-09-02", worker="9" * 16)),
        line_of(hire("e21", "1969-12-31", at="2025-09-02T00:00:00Z")),
        LATE,
    )
    rules = Rules((level("floor", 5000, min_active=1),))
    material = from_files(paths, rules, "2025-12-31")
    assert_answers_as_the_offline_book(material)
    run = through(material)
    said = Counter(o["disposition"] for o in answers(run.sent, run.evidence()) if o["kind"] == "disposition")
    assert said == {
        "no_effect": 1,
        "duplicate": 1,
        "dead_letter:decode_error": 1,
        "dead_letter:id_conflict": 1,
        "dead_letter:national_id": 1,
        "dead_letter:effective_on_out_of_range": 1,
    }
