"""When a worker on the lane is ready, and the conditions for which it waits."""

from pathlib import Path

import pytest
from faust.types import TP

from streams.lane.app import create_app
from streams.lane.append import AppendLane
from streams.lane.readiness import Waiting, WorkerStatus, waits_for
from streams.lane.settings import LaneSettings
from tests.support.lane_broker import FakeThread

AT_WORK = WorkerStatus(knows_broker=True, is_assigned=True, rebalances=False, is_positioned=True)

STATES = {
    "before it has connected": (WorkerStatus(), (Waiting.BROKER, Waiting.ASSIGNMENT)),
    "while the group forms": (WorkerStatus(knows_broker=True), (Waiting.ASSIGNMENT,)),
    "while the group shares out its partitions for the first time": (
        WorkerStatus(knows_broker=True, is_assigned=True, rebalances=True),
        (Waiting.REBALANCE,),
    ),
    "while state is read": (WorkerStatus(knows_broker=True, is_assigned=True), (Waiting.STATE,)),
    "at work": (AT_WORK, ()),
    "in a later rebalance, whatever was read before": (
        WorkerStatus(knows_broker=True, is_assigned=True, rebalances=True, is_positioned=True),
        (Waiting.REBALANCE,),
    ),
    "when the broker is gone": (WorkerStatus(is_assigned=True, is_positioned=True), (Waiting.BROKER,)),
    "when it is told to end": (
        WorkerStatus(knows_broker=True, is_assigned=True, is_positioned=True, stops=True),
        (Waiting.END,),
    ),
}


@pytest.mark.parametrize(("status", "waits"), STATES.values(), ids=STATES)
def test_a_worker_waits_for(status: WorkerStatus, waits: tuple[Waiting, ...]) -> None:
    assert waits_for(status) == waits


class BrokerThatAnswers(FakeThread):
    def knows_broker(self) -> bool:
        return True


def test_asking_an_app_that_has_not_begun_makes_no_consumer(tmp_path: Path) -> None:
    app = create_app(LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=1, data_dir=tmp_path))
    assert waits_for(app.status()) == (Waiting.BROKER, Waiting.ASSIGNMENT)
    assert app._consumer is None


async def test_an_app_is_ready_when_its_sources_are_positioned_for_the_present_assignment(tmp_path: Path) -> None:
    app = create_app(LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=1, data_dir=tmp_path))
    assigned: list[frozenset[int]] = []
    lane = AppendLane(app, source_topics=["in"], step=lambda *_: [], on_assigned=assigned.append)
    source = TP("in", 0)
    app.source._thread = BrokerThatAnswers({source}, {source: (0, 9)})  # type: ignore[assignment]
    app.source.flow_active = True
    app.source.resume_partitions({source})
    app.rebalancing, app.rebalancing_count = False, 1
    lane.appender._producer = object()  # connected
    assert waits_for(app.status()) == (Waiting.STATE,)

    await app.source._wait_next_records(0.0)

    assert waits_for(app.status()) == ()
    assert assigned == [frozenset({0})]
    app.rebalancing_count = 2
    assert waits_for(app.status()) == (Waiting.STATE,)
