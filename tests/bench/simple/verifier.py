"""Checks that a way did the same work: every output record in order, and every row of the state."""

from collections.abc import Sequence
from typing import Final

from peserta.operations.kafka_reading import read_to_end
from schemas.kafka.access import Brokers
from tests.bench.simple.work import KeyValue
from tests.bench.simple.world import Made
from tests.support.settled import wait_until_settled

OWN_KEYS: Final = b"@"
"""Rows of a changelog that are not of the state: cursors."""


class NotTheSameWork(Exception):
    """A way did less, more or other work, so its figures mean nothing. The text gives the first difference."""


async def verify(bootstrap: Brokers, ledger: str, alerts: str, changelogs: Sequence[str], made: Sequence[Made]) -> None:
    """Read the outputs with read_committed, and compare them with the computation."""
    await wait_until_settled(bootstrap, [ledger, alerts, *changelogs])
    check(ledger, await _read(bootstrap, ledger, len(made)), [one.ledger for one in made])
    check(alerts, await _read(bootstrap, alerts, len(made)), [one.alerts for one in made])
    rows = {(record.topic, record.partition, record.key) async for record in read_to_end(bootstrap, changelogs)}
    check_state(sum(not key.startswith(OWN_KEYS) for _, _, key in rows), sum(one.state_rows for one in made))


def check(topic: str, got: Sequence[Sequence[KeyValue]], wanted: Sequence[Sequence[KeyValue]]) -> None:
    """Raises NotTheSameWork unless every partition is equal, record for record."""
    for partition, (own, due) in enumerate(zip(got, wanted, strict=True)):
        if own != due:
            place = next((n for n, pair in enumerate(zip(own, due, strict=False)) if pair[0] != pair[1]), None)
            where = f"record {min(len(own), len(due)) if place is None else place}"
            raise NotTheSameWork(f"{topic}-{partition}: {len(own)} records for {len(due)}; they part at {where}")


def check_state(rows: int, wanted: int) -> None:
    """Raises NotTheSameWork unless every worker and every company was written to a changelog."""
    if rows != wanted:
        raise NotTheSameWork(f"the changelogs have {rows} rows, and the state {wanted}")


async def _read(bootstrap: Brokers, topic: str, partitions: int) -> list[list[KeyValue]]:
    found: list[list[KeyValue]] = [[] for _ in range(partitions)]
    async for record in read_to_end(bootstrap, [topic]):
        found[record.partition].append((record.key, record.value))
    return found
