"""Why the sink stops by itself: refusals, which wait for an operator.

The command line ends with 78: a restart does not help until somebody has looked. No text repeats a value of a record,
which may be personal.
"""


class Refused(Exception):
    """Going on would lose or damage rows."""


class PositionLost(Refused):
    """The topic no longer has the records behind the sink's position (retention, or a topic that was made anew)."""


class ContentChanged(Refused):
    """A range that was begun holds other records than it did then."""


class MigrationChanged(Refused):
    """A migration that this database has had is not the one in this program."""


class ClickHouseRefused(Refused):
    """ClickHouse does not do what it is asked, and asking again does not help: no table, no right, no such column."""


class NotTaken(ClickHouseRefused):
    """ClickHouse, or its client, does not take rows for what is in them; `reason` says why."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"Cannot {what}: {reason}")
        self.reason = reason


class RecordRefused(Refused):
    """The record at these coordinates leaves no rows: it is the same at every start."""

    verb = "taken"

    def __init__(self, topic: str, partition: int, offset: int, reason: str) -> None:
        super().__init__(
            f"Topic {topic}, partition {partition}, offset {offset} cannot be {self.verb}: {reason}. Nothing was "
            "passed over. A restart does not help: sinks/clickhouse/README.md, 'When it refuses'."
        )
        self.topic, self.partition, self.offset = topic, partition, offset


class Unreadable(RecordRefused):
    """A record that cannot be decoded."""

    verb = "read"


class Unwritable(RecordRefused):
    """A record with a value that its column does not hold, or that ClickHouse refuses."""

    verb = "stored"
