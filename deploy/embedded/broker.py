"""A Kafka node: its place in the cluster, its folder, and the server properties that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded.ports import LOOPBACK

HEAP_MIB = 512
INTERNAL_TOPIC_PARTITIONS = 4
OFFSETS_RETENTION_MIN = 365 * 24 * 60


@dataclass(frozen=True)
class Node:
    """A combined broker and controller: `port` for clients, `controller_port` for its peers, data in `folder`."""

    node_id: int
    port: int
    controller_port: int
    folder: Path

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "kafka.log"

    @property
    def is_formatted(self) -> bool:
        return (self.data / "meta.properties").exists()


@dataclass(frozen=True)
class Cluster:
    """One node without replication, or three nodes with each record on three and `min.insync.replicas` of two.

    `extra` are properties that add to or replace those made here.
    """

    nodes: tuple[Node, ...]
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The bootstrap servers, in the form that clients expect."""
        return ",".join(node.address for node in self.nodes)

    @property
    def replication(self) -> int:
        return min(3, len(self.nodes))

    def properties(self, node: Node) -> str:
        """The text of the node's `server.properties`."""
        settings = self._place(node) | self._replication() | _LIMITS | dict(self.extra)
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _place(self, node: Node) -> dict[str, object]:
        voters = (f"{one.node_id}@{LOOPBACK}:{one.controller_port}" for one in self.nodes)
        listeners = f"CLIENT://{LOOPBACK}:{node.port},CONTROLLER://{LOOPBACK}:{node.controller_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": node.node_id,
            "controller.quorum.voters": ",".join(voters),
            "listeners": listeners,
            "advertised.listeners": listeners,
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "CLIENT",
            "log.dirs": node.data,
        }

    def _replication(self) -> dict[str, object]:
        factor, in_sync = self.replication, max(1, self.replication - 1)
        return {
            "default.replication.factor": factor,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": factor,
            "transaction.state.log.replication.factor": factor,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.replication.factor": factor,
            "share.coordinator.state.topic.min.isr": in_sync,
        }


_LIMITS: dict[str, object] = {
    # The service creates all its topics, so a misspelt name must be an error and not a new topic with default settings.
    "auto.create.topics.enable": "false",
    # The default of 50 partitions for the internal topics means 200 files to open at each start.
    "offsets.topic.num.partitions": INTERNAL_TOPIC_PARTITIONS,
    "transaction.state.log.num.partitions": INTERNAL_TOPIC_PARTITIONS,
    # A book must continue at its offsets after several weeks without a start.
    "offsets.retention.minutes": OFFSETS_RETENTION_MIN,
    # The first member of a group does not have to wait for others.
    "group.initial.rebalance.delay.ms": 0,
    # Workers may request a session timeout below the default of 6 s.
    "group.min.session.timeout.ms": 1000,
    # Check for expired transactions every second (default 10 s), because they block readers.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
    # Detect a dead broker within 3 s (default 9 s).
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    "log.retention.check.interval.ms": 300_000,
    "num.network.threads": 2,
    "num.io.threads": 4,
}


def java_options(heap_mib: int = HEAP_MIB) -> list[str]:
    """Options for a small JVM that starts quickly and logs to standard error."""
    return [
        f"-Xmx{heap_mib}m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        # A broker with little to do would interpret its code for long: a tenth of the usual calls compiles a method.
        "-XX:CompileThresholdScaling=0.1",
        "-XX:+ExitOnOutOfMemoryError",
        "--sun-misc-unsafe-memory-access=allow",  # Kafka still uses it; the JVM would warn at each start.
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    ]
