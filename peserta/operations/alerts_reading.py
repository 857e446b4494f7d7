"""The alerts of a book from their topic: those that are stored in one order, then new ones as they come."""

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing

from peserta.operations.kafka_reading import Offsets, follow, read_to_end
from peserta.settings import Settings
from schemas.codec import OutputCodec
from schemas.records import Alert, Instant


async def stored_alerts(settings: Settings) -> tuple[list[Alert], Offsets]:
    """The alerts that can be read now, in the order of `in_order`, and the offsets behind them."""
    codec, found, after = OutputCodec(), [], Offsets()
    async for record in read_to_end(settings.kafka, [settings.topics.alerts]):
        found.append(codec.decode_alert(record.value))
        after[record.topic, record.partition] = record.offset + 1
    return in_order(found), after


async def new_alerts(settings: Settings, after: Offsets) -> AsyncIterator[Alert]:
    """The alerts behind these offsets as they come, without an end."""
    codec = OutputCodec()
    async with aclosing(follow(settings.kafka, [settings.topics.alerts], after)) as records:
        async for record in records:
            yield codec.decode_alert(record.value)


def in_order(alerts: Iterable[Alert]) -> list[Alert]:
    """Alerts by the time of recording, then partition and offset of the journal. Given are those of each partition in
    order, the partitions mixed somehow.

    The journal's order holds in each partition, so for each company, also where times go back: an entry counts as
    recorded no earlier than those before it. (A book of history takes times as they come.)
    """
    keyed = []
    latest: dict[int, Instant] = {}
    for alert in alerts:
        at = max(alert.recorded_at, latest.get(alert.journal_partition, alert.recorded_at))
        latest[alert.journal_partition] = at
        keyed.append(((at, alert.journal_partition, alert.journal_offset), alert))
    return [alert for _, alert in sorted(keyed, key=lambda each: each[0])]


async def is_company(settings: Settings, company_id: str) -> bool:
    """Whether the book has figures or a registry entry of this company."""
    key, found = company_id.encode(), False
    async for record in read_to_end(settings.kafka, [settings.topics.snapshots, settings.topics.companies]):
        found = found or record.key == key
    return found
