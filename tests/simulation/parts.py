"""The parts of a schedule: the service's own, each of which a defect may replace by a broken one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sinks.clickhouse.loop import Sink
from sinks.clickhouse.warehouse import Warehouse
from streams.bookkeeper import Bookkeeper
from streams.lane.append import AppendLane
from streams.lane.disk import StateOnDisk
from streams.lane.settings import LaneSettings
from streams.lane.transactional import TransactionalLane
from streams.lane.transactions import PartitionProducers
from streams.wall_clock import WallClock
from tests.simulation.log import COMMITTED


def _as_it_is(part: Any) -> Any:
    return part


@dataclass(frozen=True)
class Parts:
    """The classes of the service, and what is done to the settings and the producers of a lane."""

    wall_clock: type[WallClock] = WallClock
    append_lane: type[AppendLane] = AppendLane
    transactional_lane: type[TransactionalLane] = TransactionalLane
    bookkeeper: type[Bookkeeper] = Bookkeeper
    sink: type[Sink] = Sink
    warehouse: type[Warehouse] = Warehouse
    lane_settings: type[LaneSettings] = LaneSettings
    producers: Callable[[PartitionProducers], Any] = _as_it_is
    state_on_disk: type[StateOnDisk] = StateOnDisk
    is_on_disk: bool | None = None
    """Where the book-keepers' state is; None: on disk with every so many-th seed."""
    changelog_isolation: str = COMMITTED
