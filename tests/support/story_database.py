"""The demonstration's story in ClickHouse, small: by recorder, book-keeper and the sink's rows, without a broker."""

from functools import cache
from typing import Final

from peserta.demo.material import from_story
from peserta.demo.story import story
from schemas.codec import OutputCodec
from schemas.handling import ACKNOWLEDGED, NOTE, Handling
from schemas.records import Alert
from schemas.topics import ALERTS, DEAD_LETTERS, HANDLING, JOURNAL, LEDGER, NOTICES, SNAPSHOTS
from tests.support.book_in_memory import PARTITIONS, BookInMemory
from tests.support.demo_in_memory import through
from tests.support.notices import notice_of
from tests.support.sink_database import Database
from tests.support.sink_records import Kept

SCALE: Final = 0.03
COPIED: Final = (JOURNAL, LEDGER, SNAPSHOTS, ALERTS, DEAD_LETTERS)


@cache
def story_book(scale: float = SCALE) -> BookInMemory:
    """The book of the story, at its last business date. Not to be changed."""
    return through(from_story(story(scale=scale))).book


async def put_story(database: Database, scale: float = SCALE) -> None:
    """Insert what the sink inserts of the story."""
    book = story_book(scale)
    for topic in COPIED:
        for partition in range(PARTITIONS):
            await database.put_records(topic, book.stored(topic, partition), partition=partition)
    alerts = _alerts(book)
    notices = [notice_of(alert, "hr") for alert in alerts]
    told = [Kept(n, one.encode(), one.notice_id.encode()) for n, one in enumerate(notices)]
    await database.put_records(NOTICES, told)
    actions = [one for alert in alerts for one in _handled(alert)]
    done = [Kept(n, one.encode(), one.handling_id.encode()) for n, one in enumerate(actions)]
    await database.put_records(HANDLING, done)


def _alerts(book: BookInMemory) -> list[Alert]:
    codec = OutputCodec()
    stored = [record for partition in range(PARTITIONS) for record in book.stored(ALERTS, partition)]
    return [codec.decode_alert(record.value) for record in stored if record.value is not None]


def _handled(alert: Alert) -> list[Handling]:
    """An acknowledgement and a note."""
    name = f"{alert.alert_id}/{alert.status}"
    who = ("duty officer", alert.recorded_at)
    return [
        Handling(f"{name}/a", alert.alert_id, alert.company_id, ACKNOWLEDGED, *who),
        Handling(f"{name}/n", alert.alert_id, alert.company_id, NOTE, *who, text="I called them."),
    ]
