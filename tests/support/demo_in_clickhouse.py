"""The small demonstration in ClickHouse without a broker: the book in memory, its records inserted as the sink does.

`peserta demo --scale 0.05` has the same facts, and so the same answers.
"""

from functools import cache
from typing import Final

from peserta.demo.material import from_story
from peserta.demo.story import DEFAULT_SEED, story
from tests.support.book_in_memory import PARTITIONS, TOPICS
from tests.support.demo_in_memory import Ended, through
from tests.support.sink_database import Database
from tests.support.sink_records import Kept

SCALE: Final = 0.05
CARRIED: Final = (TOPICS.journal, TOPICS.ledger, TOPICS.alerts, TOPICS.snapshots, TOPICS.dead_letters)


@cache
def demo() -> Ended:
    """The whole story at SCALE, recorded and kept."""
    return through(from_story(story(DEFAULT_SEED, SCALE)))


async def put_demo(database: Database) -> None:
    """Insert what its topics have."""
    for topic in CARRIED:
        for partition in range(PARTITIONS):
            records = [Kept(each.offset, each.value) for each in demo().book.stored(topic, partition)]
            await database.put_records(topic, records, partition=partition)
