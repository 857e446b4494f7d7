"""The lane without state on a real broker delivers at least once, in order for each source and output partition."""

from itertools import chain

from aiokafka import TopicPartition  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete  # type: ignore[import-untyped]

from schemas.kafka.client import client_options
from tests.support.lane_case import LaneCase


async def test_a_worker_that_ends_cleanly_appends_everything_once(lane_case: LaneCase) -> None:
    await lane_case.create()
    await lane_case.fill(800)
    first = lane_case.start("append", settings={"batch_records_max": 50, "batch_interval_s": 0.02})
    first.wait_for_records(300)
    assert first.terminate() == 0
    assert await lane_case.committed() == {line["partition"]: line["next"] for line in first.said("committed")}
    second = lane_case.start("append")
    second.wait_for_offsets(await lane_case.ends(), first)
    assert second.terminate() == 0
    await lane_case.check_appends()
    appended = chain.from_iterable((await lane_case.read(lane_case.output)).values())
    assert len(list(appended)) == 2 * 800 + 2 * 80, "no repeats"


async def test_after_kill_9_records_may_repeat_but_none_is_missing_or_out_of_order(lane_case: LaneCase) -> None:
    await lane_case.create()
    await lane_case.fill(2500)
    worker = lane_case.start("append", settings={"batch_records_max": 60, "batch_interval_s": 0.01})
    worker.wait_for_records(700)
    worker.kill()
    last = lane_case.start("append")
    last.wait_for_offsets(await lane_case.ends(), worker)
    await lane_case.check_appends()


async def test_a_record_that_the_broker_refuses_stops_the_worker_before_its_source_is_committed(
    lane_case: LaneCase,
) -> None:
    await lane_case.create()
    await lane_case.fill(400, partitions=[0])
    worker = lane_case.start("append", huge_at=205, settings={"batch_records_max": 100})
    assert worker.wait_for_end() == 70
    assert f"{lane_case.output}-0: batch of 1 records, 30000" in worker.errors()
    assert ((await lane_case.committed())[0] or 0) <= 200
    values = [record.value.decode() for record in (await lane_case.read(lane_case.output))[0]]
    assert not [value for value in values if int(value.rpartition(":")[2]) >= 300], "nothing after the refused batch"


async def test_the_producer_is_renewed_before_its_sequence_numbers_end(lane_case: LaneCase) -> None:
    await lane_case.create()
    await lane_case.fill(1500)
    worker = lane_case.start("append", records_per_producer_max=200, settings={"batch_records_max": 90})
    worker.wait_for_offsets(await lane_case.ends())
    assert worker.terminate() == 0
    assert worker.errors().count("producer renewed") >= 5
    await lane_case.check_appends()


async def test_records_deleted_before_they_were_recorded_are_refused(lane_case: LaneCase) -> None:
    await lane_case.create()
    await lane_case.fill(100)
    worker = lane_case.start("append")
    worker.wait_for_offsets(await lane_case.ends())
    assert worker.terminate() == 0
    await lane_case.fill(100)
    admin = AIOKafkaAdminClient(**client_options(lane_case.address))
    await admin.start()
    await admin.delete_records({TopicPartition(lane_case.source, 1): RecordsToDelete(before_offset=150)})
    await admin.close()
    refused = lane_case.start("append")
    assert refused.wait_for_end() == 78
    assert "continues at 100, but the topic begins at 150" in refused.errors()
