"""The story has every irregularity that its notes list, and no other of the same kind."""

from collections import Counter, defaultdict
from datetime import date

from peserta.demo.story import Note, Planted, Story
from peserta.demo.story.plan import Archetype
from tests.unit.peserta.demo.story.reading import Line, company_of, content, recorded_on


def notes_of(told: Story, kind: Planted) -> list[Note]:
    return [note for note in told.notes if note.kind is kind]


def test_the_notes_are_in_order_and_name_facts_that_exist(told: Story, lines: list[Line]) -> None:
    recorded = defaultdict(set)
    for line in lines:
        recorded[line["company_id"], line["event_id"]].add(recorded_on(line))
    assert [note.on for note in told.notes] == sorted(note.on for note in told.notes)
    for note in told.notes:
        assert all(recorded[note.company_id, event_id] for event_id in note.event_ids)
        assert not note.event_ids or note.on in recorded[note.company_id, note.event_ids[0]]


def test_one_file_comes_twice_and_nothing_else_does(told: Story, lines: list[Line]) -> None:
    (note,) = notes_of(told, Planted.DOUBLE_UPLOAD)
    times = Counter(repr(sorted(content(line).items())) for line in lines)
    twice = {line["event_id"] for line in lines if times[repr(sorted(content(line).items()))] == 2}
    assert max(times.values()) == 2
    assert twice == set(note.event_ids)
    assert 24 <= len(twice) <= 100
    assert note.company_id == company_of(Archetype.DOUBLE_UPLOADER)


def test_two_event_ids_come_again_with_other_content(told: Story, lines: list[Line]) -> None:
    contents = defaultdict(set)
    for line in lines:
        contents[line["event_id"]].add(repr(sorted(content(line).items())))
    conflicting = {event_id for event_id, kinds in contents.items() if len(kinds) > 1}
    assert conflicting == {note.event_ids[0] for note in notes_of(told, Planted.ID_CONFLICT)}
    assert len(conflicting) == 2


def test_terminations_of_nobody_find_nobody(told: Story, lines: list[Line]) -> None:
    notes = notes_of(told, Planted.NOBODY_THERE)
    assert len(notes) == 4
    for note in notes:
        (at,) = [i for i, line in enumerate(lines) if line["event_id"] == note.event_ids[0]]
        assert lines[at]["type"] == "termination"
        before = [x for x in lines[:at] if x["worker_id"] == lines[at]["worker_id"] and x["type"] != "enrollment"]
        assert not before or before[-1]["type"] == "termination"


def test_corrections_name_a_fact_of_the_same_worker_unless_it_is_said_to_be_unknown(
    told: Story, lines: list[Line]
) -> None:
    owner = {line["event_id"]: (line["company_id"], line["worker_id"]) for line in lines}
    unknown = {note.event_ids[0] for note in notes_of(told, Planted.UNKNOWN_TARGET)}
    made = [line for line in lines if line["type"] == "correction"]
    assert len(made) >= 12
    for line in made:
        expected = None if line["event_id"] in unknown else (line["company_id"], line["worker_id"])
        assert owner.get(line["corrects"]) == expected


def test_some_corrections_come_before_what_they_void(told: Story, lines: list[Line]) -> None:
    at = {line["event_id"]: i for i, line in enumerate(lines)}
    early = {
        x["event_id"] for x in lines if x["type"] == "correction" and at[x["event_id"]] < at.get(x["corrects"], -1)
    }
    assert early == {note.event_ids[0] for note in notes_of(told, Planted.CORRECTION_FIRST)}
    assert early


def test_somebody_comes_back(told: Story, lines: list[Line]) -> None:
    by_id = {line["event_id"]: line for line in lines}
    (note,) = notes_of(told, Planted.REHIRE)
    left, back = (by_id[event_id] for event_id in note.event_ids)
    assert (left["type"], back["type"]) == ("termination", "hire")
    assert left["worker_id"] == back["worker_id"]
    assert left["effective_on"] < back["effective_on"]


def test_the_late_reporter_is_weeks_late_and_says_so(told: Story, lines: list[Line]) -> None:
    (note,) = notes_of(told, Planted.BACK_DATED)
    own = [x for x in lines if x["company_id"] == note.company_id and recorded_on(x) > date(2024, 10, 1)]
    late = {x["event_id"] for x in own if days_late(x) >= 21 and x["event_id"] not in planted_apart(told)}
    assert note.company_id == company_of(Archetype.LATE_REPORTER)
    assert late == set(note.event_ids)
    assert len(late) > 200


def days_late(line: Line) -> int:
    return (recorded_on(line) - date.fromisoformat(line["effective_on"])).days


def planted_apart(told: Story) -> set[str]:
    return {event_id for note in notes_of(told, Planted.NOBODY_THERE) for event_id in note.event_ids}


def test_future_contracts_are_known_before_they_begin_and_some_never_begin_in_the_story(
    told: Story, lines: list[Line]
) -> None:
    said = [line for line in lines if line["type"] != "correction"]
    ahead = {x["event_id"]: x for x in said if date.fromisoformat(x["effective_on"]) > recorded_on(x)}
    assert set(ahead) == {event_id for note in notes_of(told, Planted.FUTURE_DATED) for event_id in note.event_ids}
    assert {line["type"] for line in ahead.values()} == {"hire"}
    assert max(line["effective_on"] for line in ahead.values()) == "2026-01-05"
    assert min(line["effective_on"] for line in ahead.values()) < "2025-03-01"


def test_contracts_end_where_the_next_begins_and_the_end_is_entered_first_or_last(
    told: Story, lines: list[Line]
) -> None:
    by_id = {line["event_id"]: line for line in lines}
    orders: Counter[bool] = Counter()
    for note in notes_of(told, Planted.RENEWAL):
        hire, end = sorted((by_id[event_id] for event_id in note.event_ids), key=lambda line: str(line["type"]))
        assert (hire["type"], end["type"], end["reason"]) == ("hire", "termination", "contract_ended")
        assert (hire["worker_id"], hire["effective_on"]) == (end["worker_id"], end["effective_on"])
        orders[end["occurred_at"] < hire["occurred_at"]] += 1
    assert orders[True] >= 4 and orders[False] >= 4
