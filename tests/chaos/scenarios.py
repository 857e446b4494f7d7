"""The table of scenarios. Scenarios that can share a book are next to each other."""

from typing import Final

from tests.chaos import loss_faults as loss
from tests.chaos import worker_faults as worker
from tests.chaos.broker_faults import ONE_BROKER, THREE_BROKERS
from tests.chaos.network_faults import NETWORK
from tests.chaos.scenario import WALL, Scenario
from tests.chaos.warehouse_faults import WAREHOUSE

SCENARIOS: Final[tuple[Scenario, ...]] = (
    Scenario("the book-keeper dies at work", worker.dies_at_work("bookkeeper")),
    Scenario("the book-keeper dies as it starts", worker.dies_at_start),
    Scenario("a book-keeper dies while partitions are shared", worker.dies_while_sharing),
    Scenario("the book-keeper is killed anywhere", worker.killed_anywhere("bookkeeper")),
    Scenario("the recorder dies around an append", worker.dies_at_work("recorder")),
    Scenario("the recorder is killed anywhere", worker.killed_anywhere("recorder")),
    Scenario("the sink dies around an insert", worker.dies_at_work("sink")),
    Scenario("workers die while they wait for more", worker.dies_waiting),
    Scenario("the sink dies in its migrations", worker.dies_in_migrations),
    Scenario("a stopped book-keeper wakes up after its successor", worker.stopped_and_replaced),
    Scenario("workers join and leave", worker.join_and_leave),
    Scenario("the recorder's offsets are lost", worker.recorder_forgets),
    Scenario("a flood of poison", worker.poison),
    Scenario("the state is lost", loss.state_lost),
    *(Scenario(name, act) for name, act in NETWORK.items()),
    *(Scenario(name, act) for name, act in ONE_BROKER.items()),
    *(Scenario(name, act) for name, act in WAREHOUSE.items()),
    Scenario("the workers' clock jumps", worker.clock_jumps, clock=WALL),
    Scenario("the recorder's clock is years off", worker.clock_is_wrong, clock=WALL),
    Scenario("a topic of the book is deleted", loss.output_deleted, alone=True),
    Scenario("the inbound topics are deleted", loss.inbound_deleted, alone=True),
    Scenario("the journal is deleted", loss.journal_deleted, alone=True, goes_on=False),
    *(Scenario(name, act, nodes=3) for name, act in THREE_BROKERS.items()),
)
