"""The batch lane: Faust at the speed of its consumer, with effects that are durable before they are acknowledged.

One Faust event is all records of one partition in one fetch. `TransactionalLane` keeps state and commits each batch's
outputs, state and cursor in one Kafka transaction; `AppendLane` has no state and appends in order, at least once.

What may enter: the standard library, faust, aiokafka. It knows topics, partitions, offsets and bytes; no Avro, no
company, no fact. README.md has the safety argument.
"""

from streams.lane.app import create_app
from streams.lane.append import AppendLane
from streams.lane.cursors import CURSOR_PREFIX
from streams.lane.faust_hooks import LaneApp
from streams.lane.readiness import Standing, Waiting, waits_for
from streams.lane.records import (
    Append,
    AppendStep,
    Committed,
    Effect,
    KeyValue,
    OnAssigned,
    OnClosed,
    OnCommitted,
    OnOpened,
    OnRecovered,
    OnTaken,
    Record,
    Recovered,
    Rows,
    TransactionalStep,
)
from streams.lane.settings import LaneSettings
from streams.lane.stop import LaneFault, Refused, StopCode, fail_stop
from streams.lane.transactional import TransactionalLane
from streams.lane.worker import GC_THRESHOLDS, run_worker

__all__ = [
    "CURSOR_PREFIX",
    "GC_THRESHOLDS",
    "Append",
    "AppendLane",
    "AppendStep",
    "Committed",
    "Effect",
    "KeyValue",
    "LaneApp",
    "LaneFault",
    "LaneSettings",
    "OnAssigned",
    "OnClosed",
    "OnCommitted",
    "OnOpened",
    "OnRecovered",
    "OnTaken",
    "Record",
    "Recovered",
    "Refused",
    "Rows",
    "Standing",
    "StopCode",
    "TransactionalLane",
    "TransactionalStep",
    "Waiting",
    "create_app",
    "fail_stop",
    "run_worker",
    "waits_for",
]
