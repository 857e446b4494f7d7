"""The fates of sent lines, compared with a model that stores all records and searches them.

A world has our records and others', a recorder that refuses some records and repeats or has not yet read others, and a
book-keeper that has processed a part of the journal.
"""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from peserta.intake.lines_sent import OF_DISPOSITION, Fate, LinesSent
from schemas.records import Coordinates
from schemas.vocabulary import BOOK_DISPOSITIONS
from tests.support.journals import deterministic

PARTITIONS = 2


@dataclass
class World:
    """Topics as lists. An inbound record has the number of our line, or None; a journal entry names its source."""

    inbound: list[tuple[Coordinates, int | None]] = field(default_factory=list)
    journal: list[tuple[int, int, Coordinates]] = field(default_factory=list)
    letters: list[Coordinates] = field(default_factory=list)
    ledger: list[tuple[int, int, str]] = field(default_factory=list)

    def fate(self, at: Coordinates) -> Fate:
        """The fate of a record, found by a search of all topics."""
        entries = [(partition, offset) for partition, offset, came_from in self.journal if came_from == at]
        if not entries:
            return Fate.REFUSED_BY_RECORDER if at in self.letters else Fate.SENT
        said = [d for partition, offset, d in self.ledger if (partition, offset) == entries[0]]
        return OF_DISPOSITION[said[0]] if said else Fate.RECORDED


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world, ends = World(), [0] * PARTITIONS
    for number in range(draw(st.integers(0, 25))):
        topic, source = draw(st.sampled_from("ab")), draw(st.integers(0, PARTITIONS - 1))
        at = Coordinates(topic, source, number)
        world.inbound.append((at, draw(st.sampled_from([number, number, None]))))
        partition = draw(st.integers(0, PARTITIONS - 1))
        entries, letters = draw(st.sampled_from([(0, 0), (0, 1), (0, 2), (1, 0), (1, 0), (1, 1), (2, 0), (2, 2)]))
        world.letters += [at] * letters
        for repeat in range(entries):
            world.journal.append((partition, ends[partition], at))
            if repeat == 0 and draw(st.booleans()):
                world.ledger.append((partition, ends[partition], draw(st.sampled_from(BOOK_DISPOSITIONS))))
            ends[partition] += draw(st.integers(1, 3))  # leaves room for markers and others' entries
    return world


@given(worlds(), st.booleans())
@deterministic
def test_every_line_has_the_fate_that_the_topics_tell_of(world: World, letters_first: bool) -> None:
    sent, told = LinesSent(), {}
    ours = {at: number for at, number in world.inbound if number is not None}
    for at, number in ours.items():
        sent.acknowledged(number, at)
    refused = [sent.refused_by_recorder(came_from) for came_from in world.letters if letters_first]
    for partition, offset, came_from in world.journal:
        sent.recorded(came_from, partition, offset)
    refused += [sent.refused_by_recorder(came_from) for came_from in world.letters if not letters_first]
    numbers = [line.number for line in refused if line]
    assert len(numbers) == len(set(numbers))
    for record in world.ledger * 2:
        if kept := sent.kept(*record):
            assert kept.number not in told
            told[kept.number] = kept.fate
    assert not any(sent.recorded(came_from, *at) for *at, came_from in world.journal)
    fates = {number: world.fate(at) for at, number in ours.items()}
    elsewhere = {Fate.SENT, Fate.RECORDED, Fate.REFUSED_BY_RECORDER}
    assert told == {number: fate for number, fate in fates.items() if fate not in elsewhere}
    assert {number for number, fate in fates.items() if fate == Fate.REFUSED_BY_RECORDER} <= set(numbers)
    assert [sent.fate(at) for at, _ in world.inbound] == [
        fates[number] if number is not None else None for _, number in world.inbound
    ]
    assert sent.counts() == Counter(fates.values())
    assert len(sent) == len(ours)


def test_acknowledgements_may_come_in_any_order() -> None:
    sent = LinesSent()
    for offset in (5, 3, 4, 9, 1):
        sent.acknowledged(offset * 10, Coordinates("t", 0, offset))
    assert [sent.recorded(Coordinates("t", 0, offset), 0, offset) for offset in (1, 2, 3, 5)] == [
        True, False, True, True,
    ]  # fmt: skip
    kept = [sent.kept(0, offset, "applied") for offset in (1, 3, 5)]
    assert [line.number for line in kept if line] == [10, 30, 50]
