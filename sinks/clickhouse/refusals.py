"""The exceptions with which the sink stops by itself and which an operator must handle.

The command line exits with 78, because a restart alone does not help. No message repeats a value of a record, which may
be personal.
"""


class Refused(Exception):
    """Continuing would lose or damage rows."""


class PositionLost(Refused):
    """The topic does not have the sink's position (retention, or the topic was deleted and created again)."""


class ContentChanged(Refused):
    """A begun range now has other records."""


class AccessRefused(Refused):
    """Kafka does not take this sink: its certificate, its user, or a topic that its access lists forbid."""


class MigrationChanged(Refused):
    """The text of a migration differs from the one that this database was migrated with."""


class ClickHouseRefused(Refused):
    """ClickHouse rejects a request, and a retry does not help: missing table, grant or column."""


class NotTaken(ClickHouseRefused):
    """ClickHouse or its client rejects rows because of their content; `reason` says why."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"Cannot {what}: {reason}")
        self.reason = reason


class RecordRefused(Refused):
    """The record at these coordinates cannot be stored. The sink stops at it at every start."""

    verb = "taken"

    def __init__(self, topic: str, partition: int, offset: int, reason: str) -> None:
        super().__init__(
            f"Topic {topic}, partition {partition}, offset {offset} cannot be {self.verb}: {reason}. Nothing was "
            "skipped. A restart does not help: sinks/clickhouse/README.md, 'When it refuses'."
        )
        self.topic, self.partition, self.offset = topic, partition, offset


class Unreadable(RecordRefused):
    """A record cannot be decoded."""

    verb = "read"


class Unwritable(RecordRefused):
    """A record has a value that its column cannot hold, or that ClickHouse rejects."""

    verb = "stored"
