"""Book-keepers and a recorder with a known defect: one set for books in memory and for the simulation."""

from collections.abc import Sequence

from streams.bookkeeper import Bookkeeper
from streams.lane.records import Append, Effect, Record, Rows
from streams.recorder import Recorder


class Planted(Exception):
    """What goes wrong in a step that somebody made too careful."""


class Swallowing(Bookkeeper):
    """An exception in a step is passed over, and the batch counts as done."""

    def step(self, partition: int, topic: str, records: Sequence[Record], rows: Rows) -> Effect:
        try:
            if any(record.offset == 200 for record in records):
                raise Planted
            return super().step(partition, topic, records, rows)
        except Planted:
            return Effect({}, {})


class Dropping(Bookkeeper):
    """The last entry of a batch is forgotten."""

    def step(self, partition: int, topic: str, records: Sequence[Record], rows: Rows) -> Effect:
        return super().step(partition, topic, records[:-1], rows)


class Repeating(Bookkeeper):
    """A repeat of the recorder's is applied: what was seen of each source is forgotten before each step."""

    def step(self, partition: int, topic: str, records: Sequence[Record], rows: Rows) -> Effect:
        self._books[partition]._cursors.clear()
        return super().step(partition, topic, records, rows)


class CommittingFirst(Recorder):
    """Ends after its offsets were committed and before the broker had the last records."""

    def step(self, topic: str, partition: int, records: Sequence[Record]) -> list[Append]:
        return super().step(topic, partition, records)[:-3]
