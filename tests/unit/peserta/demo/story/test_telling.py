"""The same seed gives the same story, and its lines obey the contract of publishers."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from datetime import date

import pytest

from peserta.demo.story import DEFAULT_SEED, Planted, Story, story
from tests.unit.peserta.demo.story.reading import Line, read, recorded_on

COMMON = {"type", "event_id", "company_id", "worker_id", "effective_on", "occurred_at", "source", "recorded_at"}
OWN: dict[str, dict[str, set[str] | None]] = {
    "hire": {"employment_type": {"permanent", "fixed_term", "daily", "outsourced", "unspecified"}},
    "termination": {
        "reason": {"resigned", "dismissed", "contract_ended", "retired", "deceased", "other", "unspecified"}
    },
    "enrollment": {"action": {"enrolled", "withdrawn"}, "programmes": None},
    "correction": {"corrects": None},
}
PROGRAMMES = {"JKK", "JKM", "JHT", "JP", "JKP", "JMO"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+07:00").fullmatch
EVENT_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").fullmatch
NATIONAL_ID = re.compile(r"(?<![0-9a-f-])(\d{16}|\d{11})(?![0-9a-f-])").search


def test_the_same_seed_tells_the_same_story(told: Story) -> None:
    assert story(DEFAULT_SEED) == told


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_tells_it_too_whatever_the_order_of_its_sets(hash_seed: str) -> None:
    code = "import sys; from peserta.demo.story import story; sys.stdout.write(repr(story(scale=0.05)))"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    there = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert there.stdout == repr(story(scale=0.05))


def test_another_seed_tells_another_story_of_the_same_companies(told: Story) -> None:
    other = story(DEFAULT_SEED + 1)
    assert not set(other.facts) & set(told.facts)
    assert (other.companies_yaml, other.policies_yaml) == (told.companies_yaml, told.policies_yaml)


@pytest.mark.parametrize("scale", [0.1, 0.5, 2.0], ids=["a tenth", "a half", "twice as many"])
def test_the_scale_multiplies_people_and_keeps_what_is_planted(scale: float, told: Story) -> None:
    scaled = story(scale=scale)
    assert 0.7 * scale < workers(scaled) / workers(told) < 1.3 * scale + 0.05
    assert {note.kind for note in scaled.notes} == set(Planted)


def workers(told: Story) -> int:
    return len({(line["company_id"], line["worker_id"]) for line in read(told.facts)})


@pytest.mark.parametrize("scale", [0.0, -1.0, 51.0, float("nan")])
def test_a_scale_outside_its_limits_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        story(scale=scale)


def test_the_size_is_that_of_a_demonstration_of_seconds(told: Story) -> None:
    assert 4_000 <= workers(told) <= 5_100
    assert 15_000 <= len(told.facts) <= 20_000


# ---- the contract of publishers


def test_recording_is_in_order_and_within_the_story(lines: list[Line], told: Story) -> None:
    recorded = [line["recorded_at"] for line in lines]
    assert recorded == sorted(recorded)
    assert recorded_on(lines[0]) == date(2024, 10, 1)
    assert date(2025, 12, 29) <= recorded_on(lines[-1]) <= date.fromisoformat(told.as_of) == date(2025, 12, 31)


def test_every_line_has_the_fields_of_its_type_and_no_others(lines: list[Line]) -> None:
    for line in lines:
        own = OWN[line["type"]]
        assert line.keys() == COMMON | own.keys()
        assert all(values is None or line[field] in values for field, values in own.items())
        assert set(line.get("programmes", ["JKK"])) <= PROGRAMMES
        assert line.get("programmes", ["JKK"]) != []


def test_every_line_has_values_within_their_rules(lines: list[Line]) -> None:
    for line in lines:
        assert EVENT_ID(line["event_id"])
        assert INSTANT(line["recorded_at"])
        assert INSTANT(line["occurred_at"])
        assert line["occurred_at"] < line["recorded_at"]
        assert re.fullmatch(r"w-[0-9a-f]{8}", line["worker_id"])
        on = recorded_on(line)
        assert on.replace(year=on.year - 10) <= date.fromisoformat(line["effective_on"]) <= on.replace(year=on.year + 1)


def test_no_line_has_a_national_id(told: Story) -> None:
    assert not [line for line in told.facts if NATIONAL_ID(line)]


def test_an_event_id_belongs_to_one_worker_of_one_company(lines: list[Line]) -> None:
    owners = defaultdict(set)
    for line in lines:
        owners[line["event_id"]].add((line["company_id"], line["worker_id"]))
    assert all(len(who) == 1 for who in owners.values())


def test_nobody_uploads_during_lebaran_but_what_is_planted(told: Story, lines: list[Line]) -> None:
    planted = {event_id for note in told.notes for event_id in note.event_ids}
    recorded = {x["event_id"] for x in lines if date(2025, 3, 28) <= recorded_on(x) <= date(2025, 4, 7)}
    assert recorded <= planted


def test_what_happens_to_a_worker_on_one_day_is_recorded_on_one_day_but_what_is_planted(
    told: Story, lines: list[Line]
) -> None:
    planted = {event_id for note in told.notes for event_id in note.event_ids if note.kind is not Planted.BACK_DATED}
    forms = defaultdict(set)
    for line in lines:
        if line["event_id"] not in planted:
            forms[line["company_id"], line["worker_id"], line["effective_on"]].add(recorded_on(line))
    assert all(len(days) == 1 for days in forms.values())
