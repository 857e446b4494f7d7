"""The book-keeper turns journal records into ledger, alerts, snapshots, dead letters and changed rows."""

from collections.abc import Sequence

import pytest

from schemas.codec import InboundCodec, JournalCodec, OutputCodec
from schemas.dates import day
from schemas.records import Coordinates, Entry, FactEntry, PolicySet
from schemas.topics import TopicNames
from schemas.wire import WireError
from streams.bookkeeper import Bookkeeper
from streams.lane.records import Effect, Rows
from streams.lane.stop import LaneFault, Refused
from tests.support.facts import enrollment, entry, hire, level, noon, tick
from tests.support.raw_records import RawRecord

NAMES = TopicNames("t1.")
PARTITION = 3
INBOUND, JOURNAL, OUTPUTS = InboundCodec(), JournalCodec(), OutputCodec()


def opened(rows: Rows, grace_days: int = 30) -> Bookkeeper:
    keeper = Bookkeeper(NAMES, grace_days)
    keeper.open(PARTITION, rows)
    return keeper


def records(entries: Sequence[Entry], first: int = 100) -> list[RawRecord]:
    raws = []
    for offset, one in enumerate(entries, first):
        key = one.fact.company_id.encode() if isinstance(one, FactEntry) else b"-"
        raws.append(RawRecord(offset, key, JOURNAL.encode(one)))
    return raws


def step(entries: Sequence[Entry], rows: Rows | None = None, first: int = 100) -> Effect:
    kept: Rows = {} if rows is None else rows
    return opened(kept).step(PARTITION, NAMES.journal, records(entries, first), kept)


def ledger(effect: Effect) -> list[tuple[int, str, int]]:
    read = [OUTPUTS.decode_ledger(value or b"") for _, value in effect.outputs[NAMES.ledger]]
    assert {record.partition for record in read} <= {PARTITION}
    return [(record.offset, record.disposition, len(record.lines)) for record in read]


POLICY = PolicySet(Coordinates("t1.coverage.policies.v1", 0, 0), noon("2025-01-01"), level("P", 10_000))
JOURNAL_OF_A_DAY: list[Entry] = [
    POLICY,
    entry(hire("e1", "2025-01-02"), 1),
    entry(hire("e1", "2025-01-02"), 2),
    entry(hire("e1", "2025-01-03"), 3, "2025-01-02"),
    entry(enrollment("e2", "2025-01-05"), 4),
    tick("2025-01-07"),
    entry(hire("e9", "2025-01-05"), 4),
]


def test_a_step_says_everything_once() -> None:
    effect = step(JOURNAL_OF_A_DAY)
    assert ledger(effect) == [
        (101, "applied", 2),
        (102, "duplicate", 0),
        (103, "dead_letter:id_conflict", 0),
        (104, "applied", 3),
    ]
    alerts = [OUTPUTS.decode_alert(value or b"") for _, value in effect.outputs[NAMES.alerts]]
    assert [(a.alert_id, a.status, a.journal_partition, a.journal_offset) for a in alerts] == [
        ("C1/P/1", "firing", PARTITION, 101),
        ("C1/P/1", "resolved", PARTITION, 104),
    ]
    ((key, value),) = effect.outputs[NAMES.snapshots]
    snapshot = OUTPUTS.decode_snapshot(value or b"")
    assert key == b"C1" and (snapshot.partition, snapshot.offset) == (PARTITION, 105)
    assert (snapshot.figures.active, snapshot.figures.covered, snapshot.figures.as_of) == (1, 1, day("2025-01-07"))
    assert [key for key, _ in effect.outputs[NAMES.ledger]] == [b"C1"] * 4
    assert [key for key, _ in effect.outputs[NAMES.alerts]] == [b"C1"] * 2


def test_a_refused_fact_comes_back_as_it_was_published() -> None:
    ((key, value),) = step(JOURNAL_OF_A_DAY).outputs[NAMES.dead_letters]
    letter = OUTPUTS.decode_dead_letter(value or b"")
    published = INBOUND.encode(hire("e1", "2025-01-03"))
    assert key == b"workforce.facts.v1/0/3"
    assert (letter.reason, letter.key, letter.value) == ("id_conflict", b"C1", published)
    assert (letter.event_id, letter.source, letter.value_bytes) == ("e1", "hris", len(published))


def test_bytes_that_cannot_be_made_again_come_back_as_they_were() -> None:
    first, second = entry(enrollment("e1", "2025-01-02"), 1), entry(enrollment("e1", "2025-01-03"), 2)
    original = b"\x00\x00\x00\x00\x03 in another order"
    ((_, value),) = step([first, second._replace(original=original)]).outputs[NAMES.dead_letters]
    letter = OUTPUTS.decode_dead_letter(value or b"")
    assert (letter.value, letter.value_bytes) == (original, len(original))


def test_a_worker_with_too_many_facts_is_a_dead_letter_too() -> None:
    facts: list[Entry] = [entry(hire(f"e{n}", "2025-01-02"), n) for n in range(1001)]
    effect = step(facts)
    assert ledger(effect)[-1] == (1100, "dead_letter:too_many_facts", 0)
    assert len(effect.outputs[NAMES.dead_letters]) == 1


def test_batches_and_restarts_say_the_same_bytes() -> None:
    whole = step(JOURNAL_OF_A_DAY)
    for cut in range(1, len(JOURNAL_OF_A_DAY)):
        rows: Rows = {}
        first = step(JOURNAL_OF_A_DAY[:cut], rows)
        rows.update({key: value for key, value in first.changed.items() if value is not None})
        second = step(JOURNAL_OF_A_DAY[cut:], dict(rows), 100 + cut)
        for topic in (NAMES.ledger, NAMES.alerts, NAMES.dead_letters):
            assert [*first.outputs[topic], *second.outputs[topic]] == list(whole.outputs[topic])
        assert {**first.changed, **second.changed} == whole.changed


def test_only_topics_of_the_book_are_written() -> None:
    effect = step(JOURNAL_OF_A_DAY)
    assert effect.outputs.keys() == {NAMES.ledger, NAMES.alerts, NAMES.snapshots, NAMES.dead_letters}
    assert not any(key.startswith(b"@") for key in effect.changed)


def test_a_book_of_other_rules_is_refused() -> None:
    rows: Rows = {key: value for key, value in step(JOURNAL_OF_A_DAY).changed.items() if value is not None}
    opened(rows)
    with pytest.raises(Refused, match=r"partition 3.*grace period"):
        opened(rows, 31)


def test_rows_of_another_book_stop_the_lane() -> None:
    keeper = opened({})
    with pytest.raises(LaneFault, match="partition 3"):
        keeper.step(PARTITION, NAMES.journal, [], {})


def test_a_closed_book_is_gone() -> None:
    keeper = opened({})
    keeper.close(PARTITION)
    with pytest.raises(KeyError):
        keeper.step(PARTITION, NAMES.journal, [], {})


@pytest.mark.parametrize("value", [None, b"", b"garbage", b"\x00\x00\x00\x00\x63\x00"])
def test_what_no_journal_can_hold_stops_the_step(value: bytes | None) -> None:
    rows: Rows = {}
    with pytest.raises(WireError):
        opened(rows).step(PARTITION, NAMES.journal, [RawRecord(1, b"C1", value)], rows)
