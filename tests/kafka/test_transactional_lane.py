"""The lane with state on a real broker delivers exactly once through kills, fencing, refusals, rebalances, odd logs."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete  # type: ignore[import-untyped]

from schemas.kafka.client import client_options
from tests.support import lane_topics
from tests.support.lane_case import LaneCase, lines
from tests.support.lane_topics import Line
from tests.support.sockets import listening


def runs(records: Sequence[Any]) -> list[int]:
    """Sizes of the runs of consecutive offsets. A transaction marker separates two runs."""
    sizes = [1] if records else []
    for before, after in pairwise(records):
        if after.offset == before.offset + 1:
            sizes[-1] += 1
        else:
            sizes.append(1)
    return sizes


async def transact(
    case: LaneCase, topic: str, partition: int, records: Sequence[Line], *, tid: str, commit: bool
) -> None:
    """Commit or abort one transaction of another producer."""
    producer = AIOKafkaProducer(**client_options(case.address), transactional_id=tid)
    await producer.start()
    try:
        await producer.begin_transaction()
        for key, value in records:
            await producer.send_and_wait(topic, value, key=key, partition=partition)
        await (producer.commit_transaction() if commit else producer.abort_transaction())
    finally:
        await producer.stop()


async def delete_records(case: LaneCase, topic: str, partition: int, before: int) -> None:
    admin = AIOKafkaAdminClient(**client_options(case.address))
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()


async def test_a_batch_is_one_transaction_of_outputs_state_and_cursor(lane_case: LaneCase) -> None:
    await lane_case.create()
    await lane_case.fill(1000)
    worker = lane_case.start(settings={"batch_records_max": 150})
    worker.wait_for_offsets(await lane_case.ends())
    assert worker.terminate() == 0
    output = await lane_case.read_settled(lane_case.output)
    changelog = await lane_case.read_settled(lane_case.changelog)
    for number in lane_case.numbers:
        batches = [line["records"] for line in worker.said("committed") if line["partition"] == number]
        assert runs(output[number]) == batches
        assert max(batches) <= 150
        cursors = [int(record.value) for record in changelog[number] if record.key.startswith(b"@cursor")]
        assert [after - before for before, after in pairwise([-1, *cursors])] == batches
        assert len(runs(changelog[number])) == len(batches)
    await lane_case.check_counts()


async def test_a_clean_stop_commits_everything_and_the_next_worker_finds_the_same_state(stored_case: LaneCase) -> None:
    await stored_case.create()
    await stored_case.fill(1200)
    first = stored_case.start()
    first.wait_for_records(400)
    assert first.terminate() == 0
    assert {line["partition"] for line in first.said("closed")} == set(stored_case.numbers)
    done = {line["partition"]: line["next"] for line in first.said("committed")}
    assert await stored_case.committed() == done

    changelog = await stored_case.read_settled(stored_case.changelog)
    second = stored_case.start()
    second.wait_until(lambda: len(second.said("opened")) == len(stored_case.numbers), "open partitions")
    for line in second.said("opened"):
        last = {record.key: record.value for record in changelog[line["partition"]]}
        rows = {key.decode(): value.decode() for key, value in last.items() if value is not None and key[:1] != b"@"}
        assert line["rows"] == rows
    second.wait_for_offsets(await stored_case.ends(), first)
    await stored_case.check_counts()


async def test_kill_9_in_the_middle_leaves_no_repeat_and_no_loss(stored_case: LaneCase) -> None:
    await stored_case.create()
    await stored_case.fill(3000)
    killed = []
    for records in (200, 500, 900):
        # Each worker has its own group, so it neither waits for the dead session nor finds committed offsets.
        slow = {"batch_records_max": 60, "batch_interval_s": 0.01, "group_id": f"{stored_case.app_id}-{records}"}
        worker = stored_case.start(settings=slow)
        worker.wait_for_records(records)
        worker.kill()
        killed.append(worker)
    last = stored_case.start()
    last.wait_for_offsets(await stored_case.ends(), *killed)
    await stored_case.check_counts()


async def test_a_predecessor_that_still_believes_to_own_a_partition_dies_at_its_next_batch(
    stored_case: LaneCase,
) -> None:
    await stored_case.create()
    await stored_case.fill(300)
    old = stored_case.start(settings={"group_id": f"{stored_case.app_id}-old"})
    old.wait_for_offsets(await stored_case.ends())
    new = stored_case.start(settings={"group_id": f"{stored_case.app_id}-new"})
    new.wait_until(lambda: len(new.said("opened")) == len(stored_case.numbers), "taking over")
    await stored_case.fill(300)
    assert old.wait_for_end() == 70
    assert "ProducerFenced" in old.errors()
    new.wait_for_offsets(await stored_case.ends())
    await stored_case.check_counts()


async def test_a_partition_moves_between_workers_and_back(stored_case: LaneCase) -> None:
    await stored_case.create()
    slow = {"batch_records_max": 20, "batch_interval_s": 0.05, "standby_replicas": 1}
    await stored_case.fill(2000)
    first = stored_case.start(settings=slow)
    first.wait_for_records(200)
    second = stored_case.start(settings=slow)
    second.wait_until(lambda: second.said("opened"), "a partition of its own")
    await stored_case.fill(200)  # the first worker may already have processed all earlier records
    second.wait_for_records(200)
    assert len(second.said("opened")) == 1
    assert second.terminate() == 0
    await stored_case.fill(50)
    first.wait_for_offsets(await stored_case.ends())
    assert first.terminate() == 0
    await stored_case.check_counts()


@pytest.mark.parametrize("stopped", [False, True], ids=["waits", "stops meanwhile"])
async def test_a_rebalance_before_what_was_committed_can_be_read_is_waited_out(
    kafka_address: str, topic_prefix: str, tmp_path: Path, stopped: bool
) -> None:
    """For a moment after each commit its records cannot be read. Here an earlier open transaction of another producer
    in the changelog prolongs that moment. A worker that is to end does not wait for it. Its successor does: it would
    lack what was committed behind that record, and count it again."""
    case = LaneCase(kafka_address, topic_prefix, tmp_path, partitions=1)
    await case.create()
    await case.fill(100)
    first = case.start()
    try:
        first.wait_for_offsets(await case.ends())
        async with AIOKafkaProducer(**client_options(kafka_address), transactional_id=f"{topic_prefix}other") as other:
            await other.begin_transaction()
            await other.send_and_wait(case.changelog, b"", key=b"of nobody", partition=0)
            await case.fill(100)
            first.wait_for_offsets(await case.ends())
            second = case.start()
            first.wait_until(lambda: "waits until what was committed" in first.errors(), "waiting")
            if stopped:
                assert first.terminate() == 0
                second.wait_until(lambda: "waits until what was committed" in second.errors(), "waiting")
            await other.abort_transaction()
        await case.fill(100)
        last = second if stopped else first
        last.wait_for_offsets(await case.ends(), first)
        assert second.terminate() == 0
        assert stopped or first.terminate() == 0
        await case.check_counts()
    finally:
        case.close()


async def test_a_record_that_the_broker_refuses_stops_the_worker_and_nothing_of_its_batch_is_seen(
    lane_case: LaneCase,
) -> None:
    await lane_case.create()
    await lane_case.fill(150, partitions=[0])
    worker = lane_case.start(huge_at=120, settings={"batch_records_max": 5000})
    assert worker.wait_for_end() == 70
    assert f"{lane_case.output}-0: batch of 1 records, 30000" in worker.errors()
    assert "MessageSizeTooLarge" in worker.errors()
    assert (await lane_case.read(lane_case.output))[0] == []
    assert (await lane_case.read(lane_case.changelog))[0] == []
    assert len((await lane_case.read(lane_case.output, isolation="read_uncommitted"))[0]) > 0, "it was sent"
    assert (await lane_case.committed())[0] is None
    again = lane_case.start(settings={"group_id": f"{lane_case.app_id}-again"})
    again.wait_for_offsets({0: 150})
    await lane_case.check_counts([0])


async def test_an_exception_in_a_step_stops_the_worker_without_commit_and_without_the_records_contents(
    lane_case: LaneCase,
) -> None:
    await lane_case.create()
    await lane_case.fill(100, partitions=[1])
    worker = lane_case.start(fail_at=50, settings={"batch_records_max": 5000})
    assert worker.wait_for_end() == 70
    assert "in step: ValueError at " in worker.errors()
    assert "secret" not in worker.errors()
    assert (await lane_case.read(lane_case.output))[1] == []
    assert (await lane_case.committed())[1] is None


async def work_and_lose_the_changelog(case: LaneCase) -> None:
    await case.create(changelog_policy="compact,delete")
    await case.fill(200)
    worker = case.start()
    worker.wait_for_offsets(await case.ends())
    assert worker.terminate() == 0
    for number in case.numbers:
        await delete_records(case, case.changelog, number, -1)


async def test_a_lost_changelog_is_refused_with_the_way_to_rebuild(lane_case: LaneCase) -> None:
    await work_and_lose_the_changelog(lane_case)
    refused = lane_case.start()
    assert refused.wait_for_end() == 78
    assert "its changelog was lost" in refused.errors()
    assert "new app id" in refused.errors()


async def test_whether_a_changelog_was_lost_is_judged_when_all_of_it_can_be_read(lane_case: LaneCase) -> None:
    await work_and_lose_the_changelog(lane_case)
    other = AIOKafkaProducer(**client_options(lane_case.address), transactional_id=f"{lane_case.app_id}-other")
    await other.start()
    try:
        await other.begin_transaction()
        await other.send_and_wait(lane_case.changelog, b"", key=b"row", partition=0)
        worker = lane_case.start()
        worker.wait_until(lambda: "waits until what was committed" in worker.errors(), "it waits")
        await other.abort_transaction()
    finally:
        await other.stop()
    assert worker.wait_for_end() == 78
    assert "its changelog was lost" in worker.errors()


async def test_records_deleted_before_they_were_read_are_refused(lane_case: LaneCase) -> None:
    await lane_case.create()
    await lane_case.fill(200)
    worker = lane_case.start()
    worker.wait_for_offsets(await lane_case.ends())
    assert worker.terminate() == 0
    await lane_case.fill(200)
    await delete_records(lane_case, lane_case.source, 0, 300)
    refused = lane_case.start()
    assert refused.wait_for_end() == 78
    assert "continues at 200, but the topic begins at 300" in refused.errors()


async def test_a_changelog_that_cannot_be_right_ends_the_worker_where_stock_faust_would_only_log(
    lane_case: LaneCase,
) -> None:
    await lane_case.create()
    await lane_case.fill(10)
    cursor_gone: list[Line] = [(b"@cursor " + lane_case.source.encode(), None)]
    await lane_topics.produce(lane_case.address, lane_case.changelog, 0, cursor_gone)
    worker = lane_case.start()
    assert worker.wait_for_end() == 70
    assert "in reading: LaneFault: a cursor was removed from a changelog" in worker.errors()
    assert worker.said("opened") == []


@pytest.mark.parametrize("worked_before", [False, True], ids=["nothing but the tail", "after committed state"])
async def test_a_changelog_that_ends_in_aborted_records_and_markers_does_not_hold_up_recovery(
    stored_case: LaneCase, worked_before: bool
) -> None:
    await stored_case.create()
    if worked_before:
        await stored_case.fill(100)
        worker = stored_case.start()
        worker.wait_for_offsets(await stored_case.ends())
        assert worker.terminate() == 0
    aborted: list[Line] = [(b"k1", b"77")]
    await transact(stored_case, stored_case.changelog, 0, aborted, tid=f"{stored_case.app_id}-0", commit=False)
    await stored_case.fill(100)
    again = stored_case.start()
    again.wait_for_offsets(await stored_case.ends())
    await stored_case.check_counts()


async def test_a_source_with_markers_and_aborted_records_is_read_without_a_false_hole(lane_case: LaneCase) -> None:
    await lane_case.create()
    for turn in range(4):
        for commit in (True, False):
            await transact(lane_case, lane_case.source, 0, lines(30), tid=f"{lane_case.source}-{turn}", commit=commit)
    worker = lane_case.start(settings={"batch_records_max": 7})
    worker.wait_until(
        lambda: [line["lag"] for line in worker.said("committed")][-1:] == [0], "the end, behind the last marker"
    )
    await transact(lane_case, lane_case.source, 0, lines(5), tid=f"{lane_case.source}-last", commit=True)
    worker.wait_for_records(125)
    assert worker.terminate() == 0
    await lane_case.check_counts([0])


async def test_producers_are_renewed_before_their_sequence_numbers_end(lane_case: LaneCase) -> None:
    await lane_case.create()
    await lane_case.fill(1000)
    worker = lane_case.start(records_per_producer_max=300, settings={"batch_records_max": 100})
    worker.wait_for_offsets(await lane_case.ends())
    assert worker.terminate() == 0
    assert worker.errors().count("producer renewed") >= 4
    await lane_case.check_counts()


async def test_a_worker_listens_on_no_socket_whatever_its_environment_says(
    lane_case: LaneCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"APP_WEB_ENABLED": "1", "WEB_BIND": "0.0.0.0"}.items():
        monkeypatch.setenv(name, value)
    await lane_case.create()
    await lane_case.fill(10)
    worker = lane_case.start()
    worker.wait_for_offsets(await lane_case.ends())
    assert listening(worker.process.pid) == set()


def test_a_missing_broker_is_told_with_its_address(topic_prefix: str, tmp_path: Path) -> None:
    case = LaneCase("127.0.0.1:9", topic_prefix, tmp_path)
    worker = case.start(settings={"broker_wait_s": 1})
    assert worker.wait_for_end() == 70
    assert "waiting for broker at 127.0.0.1:9" in worker.errors()
    assert "no broker at 127.0.0.1:9 after 1 s" in worker.errors()


async def test_missing_topics_are_refused_by_name(lane_case: LaneCase) -> None:
    worker = lane_case.start(settings={"broker_wait_s": 1})
    assert worker.wait_for_end() == 78
    assert f"no topics {lane_case.changelog}, {lane_case.source}, {lane_case.output}" in worker.errors()


async def test_topics_with_another_number_of_partitions_are_refused(lane_case: LaneCase) -> None:
    await lane_case.create()
    worker = lane_case.start(settings={"partitions": 3})
    assert worker.wait_for_end() == 78
    assert f"topics must have 3 partitions: {lane_case.changelog} has 2" in worker.errors()


async def test_a_stop_while_waiting_for_the_broker_is_clean(topic_prefix: str, tmp_path: Path) -> None:
    case = LaneCase("127.0.0.1:9", topic_prefix, tmp_path)
    worker = case.start()
    worker.wait_until(lambda: "waiting for broker" in worker.errors(), "the first line")
    assert worker.terminate() == 0
