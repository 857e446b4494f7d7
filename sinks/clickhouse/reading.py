"""For readers: which offsets ClickHouse contains, and waiting until it contains given ones."""

from collections.abc import Mapping

from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError
from tenacity import AsyncRetrying, RetryError, retry_if_exception, retry_if_result, stop_after_delay, wait_fixed

from sinks.clickhouse.marks import LAST, Partition, marks
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.warehouse import open_client

LOOK_EVERY_S = 0.1
NOT_YET_THERE_CODES = frozenset({60, 81})  # unknown table, unknown database: the sink has not migrated yet


async def progress(client: AsyncClient) -> dict[Partition, int]:
    """(topic, partition) -> the offset before which every record is in ClickHouse. Topics by their full names."""
    found = await client.query(LAST)
    return {partition: mark.position for partition, mark in marks(found.result_rows).items()}


async def wait_until_caught_up(settings: SinkSettings, targets: Mapping[Partition, int], timeout_s: float) -> None:
    """Return once all records before these offsets are in ClickHouse (a Kafka end offset is such an offset).

    Raises a TimeoutError that names what is missing. The tables need not exist yet.
    """
    looks = AsyncRetrying(
        retry=retry_if_result(bool) | retry_if_exception(_is_not_yet_there),
        wait=wait_fixed(LOOK_EVERY_S),
        stop=stop_after_delay(timeout_s),
    )
    try:
        await looks(_missing, settings, targets)
    except RetryError as error:
        outcome = error.last_attempt
        missing = outcome.exception() or outcome.result()
        raise TimeoutError(f"ClickHouse has not caught up within {timeout_s:g} s: {missing}") from error


async def _missing(settings: SinkSettings, targets: Mapping[Partition, int]) -> list[str]:
    client = await open_client(settings)
    try:
        reached = await progress(client)
    finally:
        await client.close()
    return [
        f"{topic}-{partition} is at {reached.get((topic, partition), 0)} of {offset}"
        for (topic, partition), offset in targets.items()
        if reached.get((topic, partition), 0) < offset
    ]


def _is_not_yet_there(error: BaseException) -> bool:
    return isinstance(error, DatabaseError) and (error.code is None or error.code in NOT_YET_THERE_CODES)
