"""Assigning partitions when the leader's metadata lacks a topic: Faust leaves all workers idle, the lane stops."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata
from faust.assignor.partition_assignor import PartitionAssignor

from streams.lane.app import create_app
from streams.lane.assignor import LaneAssignor
from streams.lane.hooks.app import LaneApp
from streams.lane.records import Effect
from streams.lane.settings import LaneSettings
from streams.lane.transactional import TransactionalLane

PARTITIONS = 2
TOPICS = ("in", "app-book-changelog")
KNOWN = dict.fromkeys(TOPICS, PARTITIONS)


class Metadata:
    """The part of a cluster's metadata that assignors use: topic -> number of partitions."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self._counts[topic])) if topic in self._counts else None


@pytest.fixture
def app(tmp_path: Path) -> LaneApp:
    settings = LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=PARTITIONS, data_dir=tmp_path)
    made = create_app(settings)
    TransactionalLane(made, source_topics=["in"], state_name="book", step=lambda *_: Effect())
    return made


def members(count: int) -> dict[str, Any]:
    """So many workers that join for the first time."""
    nothing = ClientAssignment(actives={}, standbys={})
    told = [ClientMetadata(nothing, f"http://worker-{n}", {}, {}, {}).dumps() for n in range(count)]
    return {f"m{n}": SimpleNamespace(subscription=list(TOPICS), user_data=data) for n, data in enumerate(told)}


def shared_out(assignor: PartitionAssignor, known: Mapping[str, int], workers: int) -> list[list[tuple[str, int]]]:
    """The (topic, partition) pairs that each worker gets."""
    found = assignor.assign(Metadata(known), members(workers))
    pairs = (member.assignment for member in found.values())
    return [[(topic, number) for topic, numbers in one for number in numbers] for one in pairs]


MISSING = {
    "no topic": ({}, [[]]),
    "only the changelog": ({"app-book-changelog": 2}, [[("app-book-changelog", 0), ("app-book-changelog", 1)]]),
}


@pytest.mark.parametrize(("known", "idle"), MISSING.values(), ids=MISSING)
def test_stock_faust_leaves_a_worker_without_what_its_metadata_lacks(
    app: LaneApp, known: Mapping[str, int], idle: list[Any]
) -> None:
    assert shared_out(PartitionAssignor(app), known, workers=1) == idle


class Ended(Exception):
    """Simulates the end of the process."""


PARTLY = {
    "no topic": {},
    "only the changelog": {"app-book-changelog": 2},
    "a topic without one of its partitions": {**KNOWN, "in": 1},
}


@pytest.mark.parametrize("known", PARTLY.values(), ids=PARTLY)
def test_a_leader_that_does_not_know_all_partitions_ends_its_process(
    app: LaneApp, known: Mapping[str, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr("os._exit", leave)
    assert isinstance(app.assignor, LaneAssignor)
    with pytest.raises(Ended, match="70"):
        shared_out(app.assignor, known, workers=2)
    assert f"in has {known.get('in', 0)}" in capsys.readouterr().err


def test_a_worker_too_many_gets_nothing_and_that_is_right(app: LaneApp) -> None:
    got = shared_out(app.assignor, KNOWN, workers=3)  # type: ignore[arg-type]
    assert sorted(len(one) for one in got) == [0, 2, 2]
    assert sorted(pair for one in got for pair in one) == [(topic, n) for topic in sorted(TOPICS) for n in (0, 1)]


def test_workers_that_read_different_topics_get_only_theirs_and_every_partition_is_somebodys(app: LaneApp) -> None:
    """For example, only one of several recorders may know of another inbound topic."""
    several = members(2)
    several["m1"].subscription = [*TOPICS, "more"]
    found = LaneAssignor(app).assign(Metadata({**KNOWN, "more": PARTITIONS}), several)
    got = {name: {(t, n) for t, numbers in one.assignment for n in numbers} for name, one in found.items()}
    assert not {topic for topic, _ in got["m0"]} - set(TOPICS)
    assert {number for topic, number in got["m1"] if topic == "more"} == {0, 1}
    assert got["m0"] | got["m1"] == {(topic, n) for topic in (*TOPICS, "more") for n in (0, 1)}
    assert not got["m0"] & got["m1"]
