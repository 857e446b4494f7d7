"""What the desk knows beside alerts, read from compacted topics and kept up to date."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]

from schemas.codec import OutputCodec
from schemas.generation import CURRENT_KEY, Generation
from schemas.handling import ACKNOWLEDGED, Handling
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.notices import Order
from schemas.records import Company
from schemas.subscriptions import Subscription
from schemas.topics import TopicNames
from schemas.wire import WireError
from sinks.notices.desk import Reference

POLL_MS: Final = 200

log = logging.getLogger(__name__)


class Tables:
    """The last record of each key, of the topics of subscriptions, companies, policies, handling, orders, generations.

    A record that cannot be read is logged and counts as none: a subscription that is not understood sends nothing.
    """

    def __init__(self, brokers: Brokers, topics: TopicNames) -> None:
        self._codec = OutputCodec()
        self._take: Mapping[str, Callable[[str, bytes | None], None]] = {
            topics.subscriptions: self._subscription,
            topics.companies: self._company,
            topics.policies: self._policy,
            topics.handling: self._handling,
            topics.notice_orders: self._order,
            topics.generations: self._generation,
        }
        self._consumer = AIOKafkaConsumer(
            *self._take,
            **client_options(brokers),
            group_id=None,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        # A broker answers one request of a connection after the other, and the reader's wait for records. So whoever
        # asks for the ends has a connection of its own.
        self._asker = AIOKafkaConsumer(**client_options(brokers), group_id=None, isolation_level="read_committed")
        self._subscriptions: dict[str, Subscription] = {}
        self._companies: dict[str, Company] = {}
        self._titles: dict[str, str] = {}
        self._acknowledged: set[str] = set()
        self._orders: list[Order] = []
        self.reference = Reference(self._subscriptions, self._companies, self._titles, self._acknowledged)
        self.generation = 1

    async def start(self) -> None:
        await self._consumer.start()
        await self._asker.start()

    async def stop(self) -> None:
        await self._consumer.stop()
        await self._asker.stop()

    async def refresh(self) -> Sequence[Order]:
        """Read every topic to the end that it has now. Returns the orders that are new."""
        ends = await self._asker.end_offsets(self._consumer.assignment())
        behind = {tp: end for tp, end in ends.items() if await self._consumer.position(tp) < end}
        while behind:
            fetched: dict[TopicPartition, list[Any]] = await self._consumer.getmany(*behind, timeout_ms=POLL_MS)
            for tp, records in fetched.items():
                for record in records:
                    self._read(tp.topic, record)
            behind = {tp: end for tp, end in behind.items() if await self._consumer.position(tp) < end}
        orders, self._orders = self._orders, []
        return orders

    def _read(self, topic: str, record: Any) -> None:
        try:
            self._take[topic]((record.key or b"").decode(), record.value)
        except (ValueError, WireError, RecursionError) as error:
            log.warning(
                "%s, partition %d, offset %d cannot be read (%s) and counts for nothing: a newer release, or somebody "
                "else, wrote it.",
                topic,
                record.partition,
                record.offset,
                type(error).__name__,
            )

    def _subscription(self, key: str, value: bytes | None) -> None:
        self._subscriptions.pop(key, None)
        if value is not None and (found := Subscription.decode(value)).subscription_id == key:
            self._subscriptions[key] = found

    def _company(self, key: str, value: bytes | None) -> None:
        self._companies.pop(key, None)
        if value is not None:
            self._companies[key] = self._codec.decode_company(value)

    def _policy(self, key: str, value: bytes | None) -> None:
        if value is not None:  # the alerts of a policy that has ended still have its title
            self._titles[key] = self._codec.decode_policy(value).title

    def _handling(self, key: str, value: bytes | None) -> None:
        if value is not None and (found := Handling.decode(value)).action == ACKNOWLEDGED:
            self._acknowledged.add(found.alert_id)

    def _order(self, key: str, value: bytes | None) -> None:
        if value is not None and (found := Order.decode(value)).notice_id == key:
            self._orders.append(found)

    def _generation(self, key: str, value: bytes | None) -> None:
        if value is not None and key == CURRENT_KEY.decode():
            self.generation = Generation.decode(value).number
