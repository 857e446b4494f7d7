"""The timelines of one company's workers, read from a shared partition, equal those in the book."""

from hypothesis import given, settings
from hypothesis import strategies as st

from peserta.operations.company_timelines import UNKNOWN, CompanyFold
from schemas.records import Coordinates, Fact, FactEntry
from schemas.vocabulary import DUPLICATE
from streams.core.book import Book
from streams.core.worker import in_force, unpacked
from tests.support.facts import FACTS_TOPIC, correction, entry, hire, tick
from tests.support.random_rosters import COMPANY, WORKERS, facts

OTHER = "C2"


@settings(max_examples=60)
@given(facts("a"), facts("b"), facts("c"), st.randoms(use_true_random=False), st.sets(st.integers(0, 30)))
def test_it_remembers_what_the_book_remembers(
    mine: list[Fact], others: list[Fact], stale: list[Fact], order: object, repeated: set[int]
) -> None:
    """The journal also has other companies' facts, the recorder's repeats, duplicate facts, and entries whose source
    offsets the book has already seen."""
    recorded = [*mine, *(fact._replace(company_id=OTHER) for fact in others), *mine[:3]]
    order.shuffle(recorded)  # type: ignore[attr-defined]
    entries = [entry(fact, offset) for offset, fact in enumerate(recorded)]
    entries += [each for number, each in enumerate(entries) if number in repeated]
    entries += [entry(fact, 0) for fact in stale]
    fold, book = CompanyFold(COMPANY), Book()
    for offset, each in enumerate(entries):
        fold.follow([each])
        book.apply(each, offset)
    known = fold.timelines()
    prefix = f"w{COMPANY} ".encode()
    rows = {key.removeprefix(prefix).decode(): row for key, row in book.rows.items() if key.startswith(prefix)}
    assert set(known) == set(rows)
    for worker in (*WORKERS, "nobody"):
        remembered = unpacked(rows[worker]) if worker in rows else []
        assert known.worker(worker).facts == tuple(in_force(remembered))
        assert known.worker(worker).latest_occurred_at == max((fact[1] for fact in remembered), default=None)
        assert {fact[3].decode() for fact in remembered} <= known.worker(worker).event_ids_taken


def test_ids_that_a_correction_names_are_taken_before_they_come() -> None:
    fold = CompanyFold(COMPANY)
    fold.follow([tick("2025-01-01"), entry(correction("e1", "later"), 0), entry(hire("e2", "2025-09-01"), 1)])
    assert fold.timelines().worker("w1").event_ids_taken == {"e1", "later", "e2"}
    assert fold.timelines().worker("w2") == UNKNOWN


def test_a_fact_from_another_topic_is_no_repeat() -> None:
    fold, book = CompanyFold(COMPANY), Book()
    first = entry(hire("e1", "2025-09-01"), 5)
    second = FactEntry(
        Coordinates(f"{FACTS_TOPIC}.agency", 0, 5), first.recorded_at, hire("e2", "2025-09-01", worker="w2")
    )
    again = FactEntry(Coordinates(f"{FACTS_TOPIC}.agency", 0, 6), first.recorded_at, first.fact)
    fold.follow([first, second, again])
    book.apply(first, 0)
    book.apply(second, 1)
    outcome = book.apply(again, 2)
    assert outcome is not None
    assert (outcome.disposition, sorted(fold.timelines())) == (DUPLICATE, ["w1", "w2"])
    assert len(fold.timelines().worker("w1").facts) == 1
