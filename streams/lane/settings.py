"""The settings of one worker on the lane, checked when they are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schemas.kafka.access import Brokers

BATCH_RECORDS_LIMIT = 50_000
PARTITIONS_LIMIT = 1_000
SESSION_TIMEOUT_LIMIT_S = 60.0
GATHER_LIMIT_MS = 1_000
STATE_CACHE_LEAST = 1 << 20


@dataclass(frozen=True, kw_only=True)
class LaneSettings:
    """The settings of one worker. Raises a ValueError that names the field."""

    bootstrap: Brokers
    """`host:port`, or several with commas."""
    app_id: str
    """Names the group, the changelogs `<app_id>-<state>-changelog` and the transactional ids `<app_id>-<partition>`."""
    partitions: int
    """Of every topic that the lane reads or writes."""
    data_dir: Path
    """The folder for Faust's files and state on disk."""
    batch_records_max: int = 5_000
    """The most records in one step, so that a transaction stays well below its timeout."""
    batches_in_flight: int = 2
    """The most batches of one source partition that are delivered and not yet committed."""
    batch_interval_s: float = 0.0
    """The least time between two batches of one source partition. More means fewer, larger transactions and more
    latency."""
    fetch_max_wait_ms: int = 100
    """How long a fetch waits for the first record when the last one brought none."""
    gather_ms: int = 0
    """How long a fetch waits for `gather_bytes` after one that brought records. More means fewer, larger batches and
    more latency; 0: it never waits for more than the first record."""
    gather_bytes: int = 4_096
    session_timeout_s: float = 10.0
    """How long the partitions of a killed worker stay unassigned."""
    heartbeat_interval_s: float = 1.0
    transaction_timeout_s: float = 10.0
    """How long an open transaction of a killed worker without a successor blocks readers. Must exceed the longest
    batch.
    """
    commit_interval_s: float = 1.0
    """The interval at which the group's offsets are committed. A lane without state starts from them; lag displays use
    them."""
    marker_wait_ms: int = 1
    """How long a producer waits before it retries while the last transaction's markers are not written."""
    standby_replicas: int = 0
    state_on_disk: bool = False
    """Keep rows in RocksDB below `data_dir` instead of memory: slower, for state that does not fit into memory."""
    state_cache_bytes: int = 256 << 20
    """Memory for state on disk: blocks that were read, and rows that are not in a file yet. Indexes use more."""
    broker_wait_s: float = 60.0
    """How long a starting worker waits for the broker and for its topics."""
    topic_settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Topic -> settings that the topic must have at the broker. The worker refuses to run if one differs."""
    topic_settings_remedy: str = ""
    """What the refusal tells the operator: why the settings differ, and what to do."""
    group_id: str = ""
    """The consumer group, if not `app_id`. Two groups under one app_id give two workers that both believe they own all
    partitions."""

    def __post_init__(self) -> None:
        _check("bootstrap", all(":" in server for server in self.servers) and bool(self.servers))
        _check("app_id", bool(self.app_id) and not self.app_id.isspace())
        _check("partitions", 1 <= self.partitions <= PARTITIONS_LIMIT)
        _check("batch_records_max", 1 <= self.batch_records_max <= BATCH_RECORDS_LIMIT)
        _check("batches_in_flight", self.batches_in_flight >= 1)
        _check("batch_interval_s", 0 <= self.batch_interval_s < self.transaction_timeout_s)
        _check("fetch_max_wait_ms", 1 <= self.fetch_max_wait_ms <= 1_000)
        _check("gather_ms", 0 <= self.gather_ms <= GATHER_LIMIT_MS)
        _check("gather_bytes", self.gather_bytes >= 1)
        _check("session_timeout_s", 1 <= self.session_timeout_s <= SESSION_TIMEOUT_LIMIT_S)
        _check("heartbeat_interval_s", 0 < self.heartbeat_interval_s <= self.session_timeout_s / 3)
        _check("transaction_timeout_s", 1 <= self.transaction_timeout_s <= 60)
        _check("commit_interval_s", 0 < self.commit_interval_s <= 10)
        _check("marker_wait_ms", self.marker_wait_ms >= 1)
        _check("state_cache_bytes", self.state_cache_bytes >= STATE_CACHE_LEAST)
        _check("standby_replicas", self.standby_replicas >= 0)

    @property
    def servers(self) -> list[str]:
        """Each broker's `host:port`."""
        return [server.strip() for server in str(self.bootstrap).split(",") if server.strip()]

    @property
    def group(self) -> str:
        """The consumer group."""
        return self.group_id or self.app_id

    def changelog_topic(self, state_name: str) -> str:
        """The topic that holds a state's rows; the name is Faust's."""
        return f"{self.app_id}-{state_name}-changelog"

    def transactional_id(self, partition: int) -> str:
        """The id under which a producer that starts fences its predecessor."""
        return f"{self.app_id}-{partition}"


def _check(field: str, holds: bool) -> None:
    if not holds:
        raise ValueError(f"lane settings: {field} is outside its range")
