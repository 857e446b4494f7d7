"""An independent check of the counting worker's output: its own replay, without code of the lane."""

from collections import Counter
from typing import Any


def check_counts(source: list[Any], output: list[Any], changelog: list[Any], topic: str, end: int) -> None:
    """Check one partition, read with `read_committed`: every source record below `end` counts exactly once, in order.

    Outputs equal the replay's record by record. The last value of each changelog key equals the replay's state. The
    cursor only increases, and ends at the last record.
    """
    counts: Counter[bytes] = Counter()
    wanted, last = [], -1
    for record in source:
        if record.offset < end:
            counts[record.key] += 1
            wanted.append((record.key, f"{record.offset}:{counts[record.key]}".encode()))
            last = record.offset
            if record.value == b"drop":
                del counts[record.key]
    assert [(record.key, record.value) for record in output] == wanted
    cursors = [int(record.value) for record in changelog if record.key == b"@cursor " + topic.encode()]
    assert cursors == sorted(set(cursors)), "the cursor only moves forward"
    assert cursors[-1] == last
    rows = {record.key: record.value for record in changelog if not record.key.startswith(b"@")}
    assert {key: int(value) for key, value in rows.items() if value is not None} == dict(counts)


def check_appends(appended: list[Any], wanted: dict[str, list[int]]) -> None:
    """Check one output partition: a reader that has one cursor per source, and skips records at or below it, gets
    exactly the wanted offsets (source -> offsets in order).
    """
    cursors: dict[str, int] = {}
    accepted: dict[str, list[int]] = {source: [] for source in wanted}
    for record in appended:
        source, _, offset = record.value.decode().rpartition(":")
        if int(offset) > cursors.get(source, -1):
            cursors[source] = int(offset)
            accepted[source].append(int(offset))
    assert accepted == wanted
