"""The thread that talks to the broker."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped]
from aiokafka.structs import TopicPartition  # type: ignore[import-untyped]
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from schemas.kafka.client import client_options
from schemas.kafka.gathering import Gathering, gather
from streams.lane.records import Batch, Record

if TYPE_CHECKING:
    from streams.lane.hooks.app import LaneApp


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Reads with `read_committed`, and returns the offsets that each fetch covers."""

    app: "LaneApp"
    _seeks = 0
    _asked_for: frozenset[TP] = frozenset()

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        settings = self.app.lane_settings
        # Faust derives this from app.in_transaction. That would change the commit path too, and replace end_offsets by
        # last_stable_offset(), which is unknown before the first fetch (drivers/aiokafka.py _highwaters).
        consumer._isolation_level = "read_committed"
        # Faust sets 1500. A partition that was just drained or sought waits until the running fetch times out.
        consumer._fetch_max_wait_ms = settings.fetch_max_wait_ms
        # An offset out of range must be an error: a silent reset to the earliest record hides deleted, unread records.
        consumer._auto_offset_reset = "none"
        consumer._group_id = settings.group
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        settings, changelogs = self.app.lane_settings, self.app.tables_of_lanes()
        gather(
            self._ensure_consumer(),
            Gathering(settings.fetch_max_wait_ms, settings.gather_ms, settings.gather_bytes),
            # aiokafka fetches a changelog on after its recovery, and nobody takes those records.
            is_read=lambda tp: tp.topic not in changelogs or tp in self._asked_for,
        )

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await self.wait(super().on_partitions_revoked(revoked))

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """When aiokafka stops, it waits for the rebalance under way. But this thread no longer answers the main
        loop by then: the rebalance would never end, or be cancelled and this thread's own stop with it."""
        await self.wait(super().on_partitions_assigned(assigned, generation_id))

    async def call_thread(self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        """Cancels the caller once this thread stops: nobody would answer it."""
        if self.should_stop:
            raise asyncio.CancelledError
        return await super().call_thread(fun, *args, **kwargs)

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,
    ) -> dict[TP, Any]:
        self._asked_for = frozenset(active_partitions)
        seeks, before = self._seeks, self._positions(consumer, active_partitions)
        records = await super()._fetch_records(consumer, active_partitions, timeout=timeout, max_records=max_records)
        if self._seeks != seeks:
            before = {}
        # There was no await since the records were taken, so these positions are the ones after them.
        after = self._positions(consumer, active_partitions)
        return {tp: _batch(list(records.get(tp, ())), before.get(tp), end) for tp, end in after.items()}

    async def _seek_wait(self, consumer: AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        self._seeks += 1
        await super()._seek_wait(consumer, partitions)

    async def committed(self, partitions: Iterable[TP]) -> dict[TP, int | None]:
        """The group's committed offsets; None for a partition without one."""
        return cast(dict[TP, int | None], await self.call_thread(self._committed, list(partitions)))

    async def _committed(self, partitions: list[TP]) -> dict[TP, int | None]:
        ask = self._ensure_consumer().committed
        offsets = await asyncio.gather(*(ask(TopicPartition(*tp)) for tp in partitions))
        return dict(zip(partitions, offsets, strict=True))

    async def written(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """The partitions' ends, with records whose transaction is not decided or cannot be read yet."""
        return cast(dict[TP, int], await self.call_thread(self._written, list(partitions)))

    async def _written(self, partitions: list[TP]) -> dict[TP, int]:
        # A consumer has one isolation level for all that it asks.
        reader = AIOKafkaConsumer(**client_options(self.app.lane_settings.bootstrap))
        await reader.start()
        try:
            ends = await reader.end_offsets([TopicPartition(*tp) for tp in partitions])
        finally:
            await reader.stop()
        return {TP(*tp): end for tp, end in ends.items()}

    def knows_broker(self) -> bool:
        """Whether the group's coordinator answers. aiokafka discards it after the first failed heartbeat."""
        coordinator = None if self._consumer is None else self._consumer._coordinator
        return coordinator is not None and coordinator.coordinator_id is not None

    def check_group(self) -> None:
        """Raises what the group's coordinator refused and nobody has heard yet."""
        coordinator = None if self._consumer is None else self._consumer._coordinator
        pending = None if coordinator is None else getattr(coordinator, "_pending_exception", None)
        if pending is not None:
            raise pending

    @staticmethod
    def _positions(consumer: AIOKafkaConsumer, partitions: Iterable[TP]) -> dict[TP, int]:
        subscription = consumer._subscription.subscription
        assignment = subscription and subscription.assignment
        states = {tp: assignment.state_value(tp) for tp in partitions} if assignment else {}
        return {tp: state.position for tp, state in states.items() if state is not None and state.has_valid_position}


def _batch(records: list[Record], before: int | None, after: int) -> Batch:
    """The batch starts at the position before the fetch or, if that is unknown, at its first record."""
    first = records[0].offset if records else after
    return Batch(records, first if before is None else min(before, first), after)
