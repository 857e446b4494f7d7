"""The code of faust-streaming 0.15.3, mode and aiokafka 0.14 that the hooks depend on, with reason and digest.

`tests/unit/streams/lane/test_pins.py` fails when one changes. Then read the change, make sure that the hook still
holds, run the tests on a real broker, and take over the digest that `python -m streams.lane.pins` prints.
"""

import hashlib
import importlib
import inspect
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pin:
    """`name` is module:attribute, `line` its place in the file, `digest` 16 hex digits of its source's SHA-256."""

    name: str
    line: int
    digest: str
    why: str


PINS: tuple[Pin, ...] = (
    Pin(
        "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._create_worker_consumer",
        568,
        "c2701bfc3e6f6cad",
        "makes the consumer whose isolation, wait, reset and group the hook sets",
    ),
    Pin(
        "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._fetch_records",
        1088,
        "39a2c6c79fc1455a",
        "the hook takes positions before and after it; no await may follow its return",
    ),
    Pin(
        "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread.getmany",
        1070,
        "26fc5fc9f3b667e1",
        "calls _fetch_records in the consumer's thread",
    ),
    Pin(
        "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._seek_wait",
        1012,
        "9d221e816d940467",
        "the hook counts seeks here",
    ),
    Pin(
        "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._highwaters",
        1058,
        "a7f4f97d9f32aca2",
        "gives end_offsets, the last stable offset, as long as in_transaction is false",
    ),
    Pin(
        "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._commit",
        794,
        "932852ce7a23f658",
        "any error but a rebalance must crash the service",
    ),
    Pin(
        "faust.transport.drivers.aiokafka:ConsumerRebalanceListener",
        195,
        "f3d04f29dfb3f716",
        "rebalancing and its count are set in the consumer's thread before anything else",
    ),
    Pin("faust.transport.consumer:Consumer._wait_next_records", 776, "6218e1969a636b3f", "replaced"),
    Pin("faust.transport.consumer:Consumer.getmany", 693, "4b168d84882a70d6", "replaced"),
    Pin(
        "faust.transport.consumer:Consumer._drain_messages",
        1170,
        "44a2500309e83c63",
        "drops messages below _read_offset, calls getmany and _add_gap",
    ),
    Pin("faust.transport.consumer:Consumer._add_gap", 1157, "4df2573ded7c1c2c", "replaced"),
    Pin("faust.transport.consumer:Consumer.ack", 825, "5fcf41cf45153475", "extended"),
    Pin("faust.transport.consumer:Consumer._new_offset", 1097, "1d2c7ea89a7ad4f1", "replaced"),
    Pin("faust.transport.consumer:Consumer._filter_tps_with_pending_acks", 1084, "f6f9239774234e7e", "replaced"),
    Pin("faust.transport.consumer:Consumer._commit_tps", 995, "a20e230b05ae8b15", "commits what _new_offset says"),
    Pin("faust.transport.consumer:Consumer._commit_offsets", 1039, "1a69799041188441", "commits what _new_offset says"),
    Pin(
        "faust.transport.consumer:Consumer.on_partitions_revoked",
        641,
        "d04b7ae72c6fc206",
        "waits for what is under way, before the hook forgets the progress",
    ),
    Pin(
        "faust.transport.consumer:Consumer.on_partitions_assigned",
        666,
        "29ce96596f05a18c",
        "makes all assigned partitions active, then App pauses them",
    ),
    Pin(
        "faust.transport.consumer:Consumer.wait_empty",
        866,
        "e4662fe24f094819",
        "a rebalance and a stop wait here for acknowledgements",
    ),
    Pin(
        "faust.transport.consumer:Consumer.perform_seek",
        565,
        "0e8c130ff4b0afd8",
        "seeks sources while the app is rebalancing, never afterwards",
    ),
    Pin(
        "faust.transport.consumer:Fetcher._fetcher",
        173,
        "68f894f0b577d810",
        "runs _drain_messages; a cancellation in a rebalance is a crash",
    ),
    Pin(
        "faust.transport.conductor:ConductorCompiler.build",
        55,
        "837cf521368c1ee4",
        "puts one event in the agent's queue for each message",
    ),
    Pin(
        "faust.app.base:App._on_partitions_revoked",
        1790,
        "d5c895bbe57dc73a",
        "stops the flow, clears the queues, waits for acknowledgements",
    ),
    Pin(
        "faust.app.base:App._on_partitions_assigned",
        1851,
        "de932b7927db85b3",
        "pauses everything, then awaits the tables",
    ),
    Pin("faust.app.base:App._stop_consumer", 1723, "55854a5de12c3f52", "a stop waits for acknowledgements and commits"),
    Pin("faust.app.base:App.on_stop", 1706, "bfe5a933defb2324", "extended: the lanes close after it"),
    Pin("faust.app.base:App.on_rebalance_start", 1746, "5c1e23de30674082", "rebalancing_count"),
    Pin("faust.app.base:App.on_rebalance_end", 1773, "b7ff69e1e3772f30", "rebalancing becomes false"),
    Pin(
        "faust.tables.manager:TableManager.on_rebalance",
        187,
        "2d2c23a07bf54328",
        "awaits Table.on_rebalance, where producers start, before recovery starts",
    ),
    Pin(
        "faust.tables.recovery:Recovery.on_rebalance",
        247,
        "aa4d997a1795ceae",
        "takes actives and standbys from the assignor, persisted offsets from the store",
    ),
    Pin(
        "faust.tables.recovery:Recovery._restart_recovery",
        337,
        "6bd8a8558a2dffe4",
        "the order of seek, resume and pause of changelogs",
    ),
    Pin(
        "faust.tables.recovery:Recovery._slurp_changelogs",
        772,
        "7825c7e50f766d5a",
        "hears of a changelog's offset through messages, logs errors only",
    ),
    Pin(
        "faust.tables.recovery:Recovery.on_recovery_completed",
        624,
        "6ef567acf072e46d",
        "resumes sources, seeks, clears the queues, ends the rebalance",
    ),
    Pin("faust.tables.recovery:Recovery._resume_streams", 306, "d986a6710c1aca98", "the same without tables"),
    Pin(
        "faust.tables.recovery:Recovery._build_highwaters",
        669,
        "91b4cc0d3724ae7b",
        "recovery's goal is end_offsets - 1",
    ),
    Pin(
        "faust.tables.recovery:Recovery._build_offsets",
        717,
        "27eec86be06cb51f",
        "starts at one before a changelog's beginning",
    ),
    Pin(
        "faust.tables.recovery:Recovery._seek_offsets",
        759,
        "19598ca63d94d250",
        "seeks inclusively to the last offset contained",
    ),
    Pin(
        "faust.tables.recovery:Recovery.active_remaining",
        929,
        "0dcc38568ad5018b",
        "recovery ends when the offset heard of reaches the goal",
    ),
    Pin(
        "faust.tables.base:Collection._changelog_topic_name",
        470,
        "f341fe97037b4ac8",
        "settings.changelog_topic says the same name",
    ),
    Pin(
        "faust.assignor.partition_assignor:PartitionAssignor.assign",
        204,
        "25f1cbbba9d46748",
        "extended: the leader's metadata is looked at first",
    ),
    Pin(
        "faust.assignor.partition_assignor:PartitionAssignor._get_copartitioned_groups",
        168,
        "82b7a3764ad596f6",
        "only warns of topics that the metadata lacks",
    ),
    Pin(
        "aiokafka.consumer.group_coordinator:GroupCoordinator._perform_assignment",
        429,
        "a5cf61fa97320199",
        "gives the assignor its metadata, which nobody asks for again",
    ),
    Pin("faust.serializers.schemas:Schema.compile", 164, "d46eec5ce3195b2c", "replaced"),
    Pin("faust.topics:Topic._compile_decode", 152, "6474178f8c211c05", "takes the decoder from the schema"),
    Pin("mode.services:Service.crash", 901, "14980000465df0af", "marks every parent through _crash"),
    Pin("mode.services:Service._crash", 928, "7bc0c709a151d556", "replaced in the app"),
    Pin("mode.worker:Worker._schedule_shutdown", 245, "1a6a5dfc88c2298b", "what a signal does"),
    Pin("mode.worker:Worker.execute_from_commandline", 257, "212e98f635d7a69b", "runs the loop and ends in SystemExit"),
    Pin("mode.utils.queues:FlowControlEvent.resume", 97, "4dcdc1253fd0dcb4", "clears the queues"),
    Pin(
        "aiokafka.consumer.consumer:AIOKafkaConsumer.start",
        370,
        "2f1ba70443327538",
        "reads isolation, wait, reset and group from the attributes that the hook sets",
    ),
    Pin(
        "aiokafka.consumer.fetcher:Fetcher.fetched_records",
        1209,
        "be4348896b9b66af",
        "takes records and moves the position without an await before it returns",
    ),
    Pin(
        "aiokafka.consumer.fetcher:FetchResult.getall",
        124,
        "3e717e30de5068d5",
        "moves the position over markers and aborted records",
    ),
    Pin(
        "aiokafka.consumer.fetcher:Fetcher._update_fetch_positions",
        920,
        "d7774d8241dc6a7e",
        "with reset none a missing offset is an error that a seek clears",
    ),
    Pin("aiokafka.consumer.fetcher:Fetcher.seek_to", 1313, "f0ba6aba6c22ef83", "drops what was fetched before"),
    Pin("aiokafka.producer.sender:BaseHandler.do", 394, "1106439a38fe7943", "an answer's back-off"),
    Pin(
        "aiokafka.producer.sender:AddPartitionsToTxnHandler",
        472,
        "112129b2ac04fe8e",
        "waits BACKOFF_OVERRIDE while the last transaction's markers are not written",
    ),
    Pin(
        "aiokafka.producer.sender:SendProduceReqHandler",
        751,
        "708c9da866caf440",
        "a refused batch only fails its own future",
    ),
    Pin(
        "aiokafka.producer.sender:Sender._do_txn_commit",
        359,
        "8263eaebb7c30ea1",
        "commits whether or not batches failed",
    ),
    Pin(
        "aiokafka.producer.message_accumulator:MessageAccumulator.add_batch",
        567,
        "5ed1c5b1367ad854",
        "one batch of a partition after the other",
    ),
    Pin(
        "aiokafka.producer.message_accumulator:MessageAccumulator._pop_batch",
        437,
        "41cc98a298ef2628",
        "counts sequence numbers by record_count",
    ),
    Pin(
        "aiokafka.producer.transaction_manager:TransactionManager.increment_sequence_number",
        88,
        "0fce01d42f0ff3bc",
        "wraps to negative where Kafka wraps to 0",
    ),
    Pin(
        "aiokafka.producer.producer:AIOKafkaProducer.commit_transaction",
        584,
        "c7f9677c89413f97",
        "returns when the coordinator has taken the commit",
    ),
    Pin(
        "aiokafka.consumer.group_coordinator:GroupCoordinator.coordinator_dead",
        516,
        "ba1eda0254af8dfe",
        "forgets the coordinator, by which readiness knows that the broker does not answer",
    ),
    Pin(
        "aiokafka.consumer.group_coordinator:GroupCoordinator.ensure_coordinator_known",
        550,
        "4dfb9ccd877aba5d",
        "sets coordinator_id when a coordinator answers again",
    ),
)


def source_of(name: str) -> tuple[str, int]:
    """Source text and first line of what `module:attribute` names."""
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = inspect.getattr_static(found, part)
    found = getattr(found, "fun", found)  # a background task of mode
    lines, first = inspect.getsourcelines(inspect.unwrap(found))
    return "".join(lines), first


def digest_of(source: str) -> str:
    """As in Pin.digest."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def main() -> None:
    """Print each pin that no longer fits, as it would be now."""
    for pin in PINS:
        source, line = source_of(pin.name)
        if digest_of(source) != pin.digest:
            sys.stdout.write(f"{pin.name} line {line} digest {digest_of(source)}\n")


if __name__ == "__main__":
    main()
