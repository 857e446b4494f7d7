"""The alerts of a book from their topic: those that are stored in one order, then new ones as they come."""

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from peserta.operations.kafka_reading import Offsets, follow, read_to_end
from peserta.settings import Settings
from schemas.codec import OutputCodec
from schemas.records import Alert, Instant


@dataclass(frozen=True, slots=True)
class StoredAlerts:
    """The alerts of all companies or of one, in the order of `in_order`, and the offsets behind all that were read.
    `is_known` is false for a company that the book has never heard of."""

    alerts: tuple[Alert, ...]
    after: Offsets
    is_known: bool


async def stored_alerts(settings: Settings, company_id: str | None = None) -> StoredAlerts:
    """The alerts that can be read now; Failed when Kafka does not answer."""
    codec, found, after = OutputCodec(), [], Offsets()
    async for record in read_to_end(settings.kafka, [settings.topics.alerts]):
        found.append(codec.decode_alert(record.value))
        after[record.topic, record.partition] = record.offset + 1
    wanted = tuple(alert for alert in in_order(found) if company_id in (None, alert.company_id))
    is_known = bool(wanted) or company_id is None or await is_company(settings, company_id)
    return StoredAlerts(wanted, after, is_known)


async def new_alerts(settings: Settings, after: Offsets, company_id: str | None = None) -> AsyncIterator[Alert]:
    """The alerts behind these offsets as they come, without an end."""
    codec = OutputCodec()
    async with aclosing(follow(settings.kafka, [settings.topics.alerts], after)) as records:
        async for record in records:
            alert = codec.decode_alert(record.value)
            if company_id in (None, alert.company_id):
                yield alert


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
