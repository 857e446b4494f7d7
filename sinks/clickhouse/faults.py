"""Why the sink stops by itself: refusals, which wait for an operator, and faults, which only a bug can cause.

The command line ends with 78 for a refusal (it does not run until somebody has looked) and with 70 for a fault.
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


class Fault(Exception):
    """What only a bug can do: ours, or of whoever wrote the record."""


class Unreadable(Fault):
    """A record that cannot be decoded."""

    def __init__(self, topic: str, partition: int, offset: int, cause: Exception) -> None:
        what = f"{type(cause).__name__} {cause}".rstrip()
        super().__init__(f"Topic {topic}, partition {partition}, offset {offset} cannot be read: {what}.")
        self.topic, self.partition, self.offset = topic, partition, offset


class Unwritable(Fault):
    """A value that does not fit into its column."""
