"""Notices in the demonstration: wait until every alert has been told, and prove that each was, once."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_fixed

from peserta.demo.receiver import SUBSCRIPTION, Receiver
from peserta.operations.audit.findings import EVERYWHERE, Finding, compare
from peserta.operations.audit.reading import partition_reader
from peserta.operations.notices import read_notices
from peserta.settings import Settings
from schemas.codec import OutputCodec
from schemas.notices import DELIVERED, Notice, alert_notice_id
from schemas.records import Alert

TOLD_LIMIT_S = 60.0
LOOK_EVERY_S = 0.2


async def wait_until_told(settings: Settings) -> None:
    """Return when every alert of the book has a notice that has ended, or after TOLD_LIMIT_S: the proof says what is
    missing then."""
    alerts = await _alerts(settings)

    async def count() -> int:
        return sum(notice.has_ended for notice in await read_notices(settings))

    looks = AsyncRetrying(
        retry=retry_if_result(lambda ended: ended < alerts),
        wait=wait_fixed(LOOK_EVERY_S),
        stop=stop_after_delay(TOLD_LIMIT_S),
    )
    try:
        await looks(count)
    except RetryError:
        return


async def _alerts(settings: Settings) -> int:
    topic, codec, found = settings.topics.alerts, OutputCodec(), set()
    async with partition_reader(settings.kafka) as reader:
        for partition in range(settings.partitions):
            async for record in reader.records(topic, partition):
                alert = codec.decode_alert(record.value)
                found.add((alert.alert_id, alert.status))
    return len(found)


def prove_told(
    alerts: list[Alert], notices: list[Notice], states: Mapping[Any, str], receiver: Receiver
) -> list[Finding]:
    """Three findings: about the notices, about what ClickHouse has of them, and about what the receiver had."""
    expected = {alert_notice_id(SUBSCRIPTION, one.alert_id, one.status): 1 for one in alerts}
    found = Counter(one.notice_id for one in notices if one.has_ended)
    told = {one.notice_id: 1 for one in notices if one.state == DELIVERED}
    came = {notice_id: len(contents) for notice_id, contents in receiver.came.items()}
    if receiver.unsigned:
        came["without a right signature"] = receiver.unsigned
    kept = {one.notice_id: one.state for one in notices}
    return [
        compare("notices: each alert has one fate", EVERYWHERE, expected, found),
        compare("notices: ClickHouse = topic", EVERYWHERE, kept, states),
        compare("notices: the receiver had each delivered one, signed, with one content", EVERYWHERE, told, came),
    ]
