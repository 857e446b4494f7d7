"""State on disk with a real broker. A worker resumes from it only if it belongs to the same changelog topic."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]

from schemas.kafka.client import client_options
from streams.lane.settings import LaneSettings
from streams.lane.stop import LaneFault
from streams.lane.topic_id import topic_id
from tests.support import lane_topics
from tests.support.lane_case import LaneCase
from tests.support.lane_process import LaneProcess


@pytest.fixture
def case(kafka_address: str, topic_prefix: str, tmp_path: Path) -> Iterator[LaneCase]:
    case = LaneCase(kafka_address, topic_prefix, tmp_path, state_on_disk=True)
    yield case
    case.close()


def settings_of(case: LaneCase) -> LaneSettings:
    return LaneSettings(bootstrap=case.address, app_id=case.app_id, partitions=2, data_dir=case.folder)


async def delete(case: LaneCase, *topics: str) -> None:
    admin = AIOKafkaAdminClient(**client_options(case.address))
    await admin.start()
    try:
        await admin.delete_topics(list(topics))
    finally:
        await admin.close()


def contained(worker: LaneProcess) -> list[int]:
    """The changelog offset in each partition's state on disk, in the order in which the worker opened them."""
    lines = [line for line in worker.errors().splitlines() if "the state on disk contains" in line]
    return [int(line.rpartition(" changelog to ")[2]) for line in lines]


async def test_a_worker_goes_on_from_what_the_one_before_has_left_on_disk(case: LaneCase) -> None:
    await case.create()
    await case.fill(500)
    first = case.start()
    first.wait_for_offsets(await case.ends())
    assert contained(first) == [-1, -1]
    assert first.terminate() == 0
    changelog = await case.read_settled(case.changelog)
    await case.fill(300)
    second = case.start()
    second.wait_for_offsets(await case.ends())
    assert sorted(contained(second)) == sorted(records[-1].offset for records in changelog.values())
    second.kill()
    await case.fill(100)
    third = case.start()
    third.wait_for_offsets(await case.ends())
    assert contained(third) == contained(second), "what was not in a file was read from the changelog"
    await case.check_counts()


async def test_workers_that_share_a_folder_do_not_share_their_state(case: LaneCase) -> None:
    await case.create()
    await case.fill(300)
    old = case.start(settings={"group_id": f"{case.app_id}-old"})
    old.wait_for_offsets(await case.ends())
    new = case.start(settings={"group_id": f"{case.app_id}-new"})
    new.wait_until(lambda: len(new.said("opened")) == len(case.numbers), "taking over")
    await case.fill(300)
    new.wait_for_offsets(await case.ends())
    assert sorted(folder.name for folder in (case.folder / "data" / "state").iterdir()) == ["0", "1"]
    await case.check_counts()


async def test_what_is_of_a_topic_that_was_deleted_is_not_taken_for_a_part_of_the_new_one(case: LaneCase) -> None:
    await case.create()
    await case.fill(400)
    first = case.start()
    first.wait_for_offsets(await case.ends())
    assert first.terminate() == 0
    before = await topic_id(settings_of(case), case.changelog)
    # The new changelog becomes longer than the old one, so offsets alone would not show that it is another topic.
    await delete(case, case.source, case.output, case.changelog)
    await case.create()
    await case.fill(900, keys=7)
    for wiped in ("in-memory", "on-disk"):
        worker = case.start(
            settings={"state_on_disk": wiped == "on-disk", "group_id": f"{case.app_id}-{wiped}"},
        )
        worker.wait_for_offsets(await case.ends())
        assert worker.terminate() == 0
        await case.fill(50, keys=7)
    assert contained(worker) == [-1, -1]
    (kept,) = (case.folder / "data" / "state" / "0" / case.changelog).iterdir()
    assert kept.name == await topic_id(settings_of(case), case.changelog) != before


async def test_a_topic_has_an_id_and_one_that_is_not_there_has_none(case: LaneCase) -> None:
    await case.create()
    one, two = [await topic_id(settings_of(case), topic) for topic in (case.source, case.output)]
    assert one != two
    assert one == await topic_id(settings_of(case), case.source)
    with pytest.raises(LaneFault, match=r"gone: the broker at .* says UnknownTopicOrPartitionError"):
        await topic_id(settings_of(case), "gone")


async def test_a_removed_row_is_gone_on_disk_too(case: LaneCase) -> None:
    await case.create()
    await case.append(0, [(b"a", b"v"), (b"b", b"v")])
    first = case.start()
    first.wait_for_offsets({0: 2})
    assert first.terminate() == 0
    await lane_topics.produce(case.address, case.source, 0, [(b"a", b"drop")])
    second = case.start()
    second.wait_for_offsets({0: 3})
    assert second.terminate() == 0
    third = case.start()
    third.wait_until(lambda: len(third.said("opened")) == 2, "open partitions")
    assert {line["partition"]: line["rows"] for line in third.said("opened")} == {0: {"b": "1"}, 1: {}}
