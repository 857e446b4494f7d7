"""The settings of one worker on the lane, checked when they are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

BATCH_RECORDS_LIMIT = 50_000
PARTITIONS_LIMIT = 1_000
SESSION_TIMEOUT_LIMIT_S = 60.0
STATE_CACHE_LEAST = 1 << 20


@dataclass(frozen=True, kw_only=True)
class LaneSettings:
    """One worker's settings, durations with their unit in the name; raises ValueError that names the field."""

    bootstrap: str
    """`host:port`, or several with commas."""
    app_id: str
    """Names the group, the changelogs `<app_id>-<state>-changelog` and the transactional ids `<app_id>-<partition>`."""
    partitions: int
    """Of every topic that the lane reads or writes."""
    data_dir: Path
    """A folder of this worker's own, for Faust."""
    batch_records_max: int = 5_000
    """Records of one step, so that a transaction stays well below its timeout."""
    batches_in_flight: int = 2
    """Batches of one source partition that are delivered and not yet committed."""
    batch_interval_s: float = 0.0
    """Least time between two batches of one source partition: fewer, larger transactions for more latency."""
    fetch_max_wait_ms: int = 100
    session_timeout_s: float = 10.0
    """How long a killed worker's partitions are silent."""
    heartbeat_interval_s: float = 1.0
    transaction_timeout_s: float = 10.0
    """How long an open transaction without a successor holds up its readers; above the longest batch."""
    commit_interval_s: float = 1.0
    """Of the consumer group's offsets: positions of a lane without state, and everybody's lag display."""
    marker_wait_ms: int = 1
    """How long a producer waits before it asks again whether the last transaction's markers are written."""
    standby_replicas: int = 0
    state_on_disk: bool = False
    """Rows are in RocksDB below `data_dir` instead of in memory: slower, for a state that is larger."""
    state_cache_bytes: int = 256 << 20
    """What a state on disk may hold in memory: blocks read, and rows not yet in a file. Indexes come on top."""
    broker_wait_s: float = 60.0
    """How long a starting worker waits for the broker and for its topics."""
    topic_settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What topics must be set to at the broker, by name: a worker refuses to run on others."""
    group_id: str = ""
    """The consumer group if not `app_id`. Two groups under one app_id: two workers that both believe to own all."""

    def __post_init__(self) -> None:
        _check("bootstrap", all(":" in server for server in self.servers) and bool(self.servers))
        _check("app_id", bool(self.app_id) and not self.app_id.isspace())
        _check("partitions", 1 <= self.partitions <= PARTITIONS_LIMIT)
        _check("batch_records_max", 1 <= self.batch_records_max <= BATCH_RECORDS_LIMIT)
        _check("batches_in_flight", self.batches_in_flight >= 1)
        _check("batch_interval_s", 0 <= self.batch_interval_s < self.transaction_timeout_s)
        _check("fetch_max_wait_ms", 1 <= self.fetch_max_wait_ms <= 1_000)
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
        return [server.strip() for server in self.bootstrap.split(",") if server.strip()]

    @property
    def group(self) -> str:
        """The consumer group."""
        return self.group_id or self.app_id

    def changelog_topic(self, state_name: str) -> str:
        """The topic that holds a state's rows; the name is Faust's."""
        return f"{self.app_id}-{state_name}-changelog"

    def transactional_id(self, partition: int) -> str:
        """Whoever starts a producer under it fences the one before."""
        return f"{self.app_id}-{partition}"


def _check(field: str, holds: bool) -> None:
    if not holds:
        raise ValueError(f"lane settings: {field} is outside its range")
