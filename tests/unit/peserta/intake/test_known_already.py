"""The predicted dispositions of lines equal those of the offline book."""

from hypothesis import given
from hypothesis import strategies as st

from peserta.intake.known_already import FactsOfFiles, Prospect
from schemas.records import Fact
from schemas.vocabulary import DUPLICATE, ID_CONFLICT
from streams.core.book import Book
from tests.support.facts import entry, hire
from tests.support.journals import deterministic

# Few ids and contents, so that duplicates and conflicts are frequent.
facts = st.builds(
    lambda company, worker, event_id, on, at: hire(event_id, on, at=at, worker=worker, company=company),
    st.sampled_from(["C1", "C2"]),
    st.sampled_from(["w1", "w2"]),
    st.sampled_from(["e1", "e2", "e3"]),
    st.sampled_from(["2025-09-01", "2025-09-02"]),
    st.sampled_from(["2025-09-01T02:00:00Z", "2025-09-01T02:00:00.001Z"]),
)
EXPECTED = {DUPLICATE: Prospect.DUPLICATE, ID_CONFLICT: Prospect.ID_CONFLICT}


@given(recorded=st.lists(facts, max_size=8), lines=st.lists(facts, max_size=8))
@deterministic
def test_it_is_what_the_book_says_when_they_come(recorded: list[Fact], lines: list[Fact]) -> None:
    book, of_files, expected = Book(30), FactsOfFiles(), []
    for offset, fact in enumerate(recorded + lines):
        outcome = book.apply(entry(fact, offset, "2025-09-03"), offset)
        assert outcome is not None
        expected.append(EXPECTED.get(outcome.disposition, Prospect.NEW))
    for number, fact in enumerate(lines, 1):
        of_files.add(number, fact)
    for fact in recorded:
        of_files.in_book(fact)
    found = list(of_files.prospects())
    assert [prospect for _, prospect, _ in found] == expected[len(recorded) :]
    assert [number for number, _, _ in found] == list(range(1, len(lines) + 1))
    assert [event_id for _, _, event_id in found] == [
        fact.event_id if prospect is Prospect.ID_CONFLICT else None
        for fact, prospect in zip(lines, expected[len(recorded) :], strict=True)
    ]
