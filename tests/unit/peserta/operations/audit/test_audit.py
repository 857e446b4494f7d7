"""The audit finds nothing in a correct book, and finds each change that a test makes to one."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from peserta.operations.audit.findings import Finding
from peserta.operations.audit.partition_audited import PartitionAudited
from peserta.operations.audit.recorded import REPEATS_CLAIM as REPEATS
from peserta.operations.audit.seal import check, seal
from schemas.codec import OutputCodec
from schemas.wire import frame
from streams.core.rows import BOOK_KEY
from tests.support.book_in_memory import (
    PARTITIONS,
    SETTINGS,
    TOPICS,
    BookInMemory,
    kept_book,
    published_book,
)
from tests.support.partition_log import Stored

LEDGER = "ledger = journal folded again"
CHAIN = "chain of the ledger"
ALERTS = "alerts = journal folded again"
STATE = "state = journal folded again"
SNAPSHOTS = "last snapshots = journal folded again"
LETTERS = "dead letters = journal folded again"
INBOUND = "every record consumed has one disposition"


@pytest.fixture(scope="module")
def well() -> BookInMemory:
    return kept_book()


async def audited(book: BookInMemory) -> tuple[list[PartitionAudited], list[Finding]]:
    return await book.audited()


async def test_a_book_that_is_well_has_no_finding(well: BookInMemory) -> None:
    kept, findings = await audited(well)
    assert [finding for finding in findings if not finding.holds] == []
    assert sum(len(one.ledger) for one in kept) > 500
    assert sum(len(one.alerts) for one in kept) > 5
    assert sum(finding.compared for finding in findings if finding.claim == INBOUND) > 500


async def test_what_the_recorder_said_twice_is_counted_and_changes_nothing(well: BookInMemory) -> None:
    book = well.without_outputs()
    before, _ = await audited(well)
    book.record(again=True)
    book.keep()
    after, findings = await audited(book)
    assert [finding for finding in findings if not finding.holds] == []
    assert sum(one.repeats for one in after) > 500
    assert [one.ledger for one in after] == [one.ledger for one in before]


@pytest.mark.parametrize(
    ("now", "then", "reason"),
    [
        (b'"format":2', b'"format":1', "format 1, this version has those of format 2: `peserta rebuild`"),
        (b'"grace_days":30', b'"grace_days":45', "grace period of 45 days, the settings say 30"),
    ],
)
async def test_a_state_folded_by_other_rules_is_the_first_finding(
    well: BookInMemory, now: bytes, then: bytes, reason: str
) -> None:
    book = well.copy()
    changelog = book.stored(SETTINGS.changelog, 0)
    changelog[:] = [
        replace(row, value=(row.value or b"").replace(now, then)) if row.key == BOOK_KEY else row for row in changelog
    ]
    _, findings = await audited(book)
    first = next(finding for finding in findings if not finding.holds)
    assert (first.claim, first.where) == (STATE, "partition 0")
    assert reason in first.named[0]


async def test_facts_that_are_passed_over_because_their_topic_was_made_anew_are_missing(well: BookInMemory) -> None:
    book = well.copy()
    for partition in range(PARTITIONS):
        anew = published_book().stored(TOPICS.facts, partition)[1:]  # the same records at other offsets
        book.stored(TOPICS.facts, partition)[:] = [replace(r, offset=n) for n, r in enumerate(anew)]
    book.record(again=True)
    book.keep()
    _, findings = await audited(book)
    wrong = {finding.claim: finding for finding in findings if not finding.holds}
    assert wrong[REPEATS].missing > 100
    assert all("was made anew" in named for named in wrong[REPEATS].named)


async def test_dead_letters_that_expired_are_not_missing_and_one_behind_them_is(well: BookInMemory) -> None:
    book = well.copy()
    log, at = letter_of_the_book(book)
    del log[: at + 1]
    book.topics.logs[TOPICS.dead_letters, log[0].partition].begin = log[0].offset
    _, findings = await audited(book)
    assert LETTERS not in {finding.claim for finding in findings if not finding.holds}
    _, at = letter_of_the_book(book)
    following = [n for n in range(at + 1, len(log)) if is_of_the_book(log[n])]
    del log[following[0]]
    _, findings = await audited(book)
    assert LETTERS in {finding.claim for finding in findings if not finding.holds}


def middle(book: BookInMemory, topic: str) -> tuple[list[Stored], int]:
    """A log of the topic, and the index of a record in its middle."""
    log = max((book.stored(topic, partition) for partition in range(PARTITIONS)), key=len)
    return log, len(log) // 2


def lose(topic: str) -> Callable[[BookInMemory], None]:
    def act(book: BookInMemory) -> None:
        log, at = middle(book, topic)
        del log[at]

    return act


def lose_state(book: BookInMemory) -> None:
    book.stored(SETTINGS.changelog, 0).clear()


def double(topic: str) -> Callable[[BookInMemory], None]:
    def act(book: BookInMemory) -> None:
        log, at = middle(book, topic)
        log.append(replace(log[at], offset=log[-1].offset + 1))

    return act


def change_disposition(book: BookInMemory) -> None:
    """Change the disposition of a record but not its chain value, which then no longer fits."""
    log, at = middle(book, TOPICS.ledger)
    value = log[at].value or b""
    said = OutputCodec().decode_ledger(value)
    spot = value.index(said.event_id.encode()) + len(said.event_id)
    log[at] = replace(log[at], value=value[:spot] + bytes([value[spot] ^ 2]) + value[spot + 1 :])


def change_alert(book: BookInMemory) -> None:
    log, at = middle(book, TOPICS.alerts)
    codec = OutputCodec()
    alert = codec.decode_alert(log[at].value or b"")
    log[at] = replace(log[at], value=codec.encode_alert(replace(alert, covered=alert.covered + 1)))


def swap_alerts(book: BookInMemory, *, of_one_company: bool) -> None:
    """Swap two consecutive alerts."""
    log, _ = middle(book, TOPICS.alerts)
    decode = OutputCodec().decode_alert
    companies = [decode(record.value or b"").company_id for record in log]
    at = next(n for n in range(1, len(log)) if (companies[n - 1] == companies[n]) == of_one_company)
    log[at - 1], log[at] = replace(log[at], offset=log[at - 1].offset), replace(log[at - 1], offset=log[at].offset)


def last_snapshot(book: BookInMemory) -> tuple[list[Stored], int]:
    """A log of snapshots, and the index of the last snapshot of some company."""
    log, _ = middle(book, TOPICS.snapshots)
    places = {record.key: at for at, record in enumerate(log)}
    return log, min(places.values())


def lose_snapshot(book: BookInMemory) -> None:
    log, at = last_snapshot(book)
    del log[at]


def change_snapshot(book: BookInMemory) -> None:
    log, at = last_snapshot(book)
    codec = OutputCodec()
    said = codec.decode_snapshot(log[at].value or b"")
    changed = replace(said, figures=replace(said.figures, covered=said.figures.covered + 1))
    log[at] = replace(log[at], value=codec.encode_snapshot(changed))


def change_why(book: BookInMemory) -> None:
    """Say another reason why a company is not evaluable under a policy."""
    log, at = last_snapshot(book)
    codec = OutputCodec()
    said = codec.decode_snapshot(log[at].value or b"")
    one, *others = said.figures.policies
    other = one._replace(why="after" if one.why == "before" else "before")
    changed = replace(said, figures=replace(said.figures, policies=(other, *others)))
    log[at] = replace(log[at], value=codec.encode_snapshot(changed))


def say_as_earlier_release(book: BookInMemory) -> None:
    """All snapshots but each partition's last as the release before wrote them."""
    codec = OutputCodec()
    for partition in range(PARTITIONS):
        log = book.stored(TOPICS.snapshots, partition)
        log[:-1] = [replace(r, value=codec.snapshot_in_version_of(frame(40), r.value or b"")) for r in log[:-1]]


def change_snapshot_of_earlier_release(book: BookInMemory) -> None:
    change_snapshot(book)
    say_as_earlier_release(book)


def invent_snapshot(book: BookInMemory) -> None:
    """Append a snapshot of a company that is not in the journal."""
    log, at = last_snapshot(book)
    codec = OutputCodec()
    said = codec.decode_snapshot(log[at].value or b"")
    invented = replace(said, figures=replace(said.figures, company_id="JT-9999"))
    log.append(replace(log[at], offset=log[-1].offset + 1, key=b"JT-9999", value=codec.encode_snapshot(invented)))


def move_snapshot(book: BookInMemory) -> None:
    """Give a snapshot another company's key, so compaction would treat it as that company's."""
    log, at = last_snapshot(book)
    log[at] = replace(log[at], key=b"JT-9999")


def say_old_snapshot_late(book: BookInMemory) -> None:
    """Append an older snapshot again. Compaction would keep it and remove the newer one."""
    log, _ = middle(book, TOPICS.snapshots)
    first = next(record for record in log if record.key == log[-1].key and record.value != log[-1].value)
    log.append(replace(first, offset=log[-1].offset + 1))


def change_state(book: BookInMemory) -> None:
    log, at = middle(book, SETTINGS.changelog)
    log[at] = replace(log[at], value=(log[at].value or b"") + b"x")


def forget_dead_letter(book: BookInMemory) -> None:
    del book.stored(TOPICS.dead_letters, 0)[0]


def letter_of_the_book(book: BookInMemory) -> tuple[list[Stored], int]:
    """A log of dead letters, and the index of one that the book-keeper wrote."""
    logs = [book.stored(TOPICS.dead_letters, partition) for partition in range(PARTITIONS)]
    log = max(logs, key=lambda log: sum(map(is_of_the_book, log)))
    return log, next(at for at, record in enumerate(log) if is_of_the_book(record))


def is_of_the_book(letter: Stored) -> bool:
    return OutputCodec().decode_dead_letter(letter.value or b"").reason == "id_conflict"


def forget_letter_of_the_book(book: BookInMemory) -> None:
    log, at = letter_of_the_book(book)
    del log[at]


def change_letter_of_the_book(book: BookInMemory) -> None:
    log, at = letter_of_the_book(book)
    codec = OutputCodec()
    letter = codec.decode_dead_letter(log[at].value or b"")
    log[at] = replace(log[at], value=codec.encode_dead_letter(replace(letter, source="somebody")))


def invent_letter_of_the_book(book: BookInMemory) -> None:
    """Append a dead letter for a fact that is not in the journal."""
    log, at = letter_of_the_book(book)
    codec = OutputCodec()
    letter = codec.decode_dead_letter(log[at].value or b"")
    invented = replace(letter, came_from=letter.came_from._replace(offset=999_999))
    log.append(replace(log[at], offset=log[-1].offset + 1, value=codec.encode_dead_letter(invented)))


def commit_too_far(book: BookInMemory) -> None:
    """Commit the recorder's offsets past a record that it has never appended."""
    book.publish(b"C1", b"nobody read this", 1_735_000_000_000)
    for (topic, partition), log in book.topics.logs.items():
        if topic == TOPICS.facts:
            book.committed[topic, partition] = log.end


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        pytest.param(lose(TOPICS.ledger), {LEDGER, CHAIN}, id="a ledger record is gone"),
        pytest.param(double(TOPICS.ledger), {LEDGER, CHAIN}, id="a ledger record is there twice"),
        pytest.param(change_disposition, {LEDGER, CHAIN}, id="a disposition was changed"),
        pytest.param(lose(TOPICS.alerts), {ALERTS}, id="an alert is gone"),
        pytest.param(double(TOPICS.alerts), {ALERTS}, id="an alert is there twice"),
        pytest.param(change_alert, {ALERTS}, id="an alert says another figure"),
        pytest.param(partial(swap_alerts, of_one_company=True), {ALERTS}, id="two alerts of a company changed places"),
        pytest.param(
            partial(swap_alerts, of_one_company=False), set(), id="alerts of two companies did, which means nothing"
        ),
        pytest.param(lose_snapshot, {SNAPSHOTS}, id="the last snapshot of a company is gone"),
        pytest.param(change_snapshot, {SNAPSHOTS}, id="a snapshot says another figure"),
        pytest.param(change_why, {SNAPSHOTS}, id="a snapshot says another reason"),
        pytest.param(say_as_earlier_release, set(), id="snapshots are of the release before, which had less to say"),
        pytest.param(change_snapshot_of_earlier_release, {SNAPSHOTS}, id="one of them says another figure"),
        pytest.param(invent_snapshot, {SNAPSHOTS}, id="a snapshot is of a company that nobody knows"),
        pytest.param(move_snapshot, {SNAPSHOTS}, id="a snapshot has another company's key"),
        pytest.param(say_old_snapshot_late, {SNAPSHOTS}, id="an old snapshot was said once more"),
        pytest.param(BookInMemory.compact, set(), id="old snapshots are gone, as they may be"),
        pytest.param(lose(SETTINGS.changelog), {STATE}, id="a row of the state is gone"),
        pytest.param(lose_state, {STATE}, id="the whole state of a partition is gone"),
        pytest.param(change_state, {STATE}, id="a row of the state was changed"),
        pytest.param(forget_dead_letter, {INBOUND}, id="a refused record has no dead letter"),
        pytest.param(
            forget_letter_of_the_book, {LETTERS}, id="the dead letter of a fact that the book refused is gone"
        ),
        pytest.param(change_letter_of_the_book, {LETTERS}, id="a dead letter of the book was changed"),
        pytest.param(invent_letter_of_the_book, {LETTERS}, id="a dead letter of the book is of no fact"),
        pytest.param(commit_too_far, {INBOUND}, id="a record was consumed and never recorded"),
    ],
)
async def test_harm_is_found_where_it_was_done(
    well: BookInMemory, harm: Callable[[BookInMemory], None], found: set[str]
) -> None:
    book = well.copy()
    harm(book)
    _, findings = await audited(book)
    assert {finding.claim for finding in findings if not finding.holds} == found


async def test_a_journal_that_was_changed_is_found_everywhere(well: BookInMemory) -> None:
    book = well.copy()
    log, at = middle(book, TOPICS.journal)
    del log[at]
    _, findings = await audited(book)
    assert {LEDGER, STATE, INBOUND} <= {finding.claim for finding in findings if not finding.holds}


async def test_a_seal_holds_while_the_history_grows_and_not_when_its_end_is_cut(well: BookInMemory) -> None:
    kept, _ = await audited(well)
    sealed = seal(kept)["partitions"]
    assert all(finding.holds for finding in check(sealed, kept))

    first, *others = kept
    last = max(first.ledger)
    shorter = replace(first, ledger={at: value for at, value in first.ledger.items() if at != last})
    assert check(sealed, [shorter, *others])[0].missing == 1

    changed = replace(first, ledger={**first.ledger, last: first.ledger[last][:-1] + b"?"})
    assert check(sealed, [changed, *others])[0].different == 1
