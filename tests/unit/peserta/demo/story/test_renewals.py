"""The renewal rule changes only the renewals in the story's book."""

from collections import defaultdict

from peserta.demo.story import Planted, Story
from schemas.fact_json import FactLine, admit
from schemas.records import Fact
from schemas.vocabulary import CONTRACT_ENDED, TERMINATION, TERMINATION_REASONS
from streams.core.worker import remember

RESIGNED = TERMINATION_REASONS.index("resigned")
Who = tuple[str, str]


def by_worker(told: Story) -> dict[Who, list[Fact]]:
    """The facts of each worker, in order of recording."""
    facts: dict[Who, list[Fact]] = defaultdict(list)
    for line in told.facts:
        read = admit(line.encode())
        if isinstance(read, FactLine):
            facts[read.fact.company_id, read.fact.worker_id].append(read.fact)
    return facts


def without_the_rule(fact: Fact) -> Fact:
    """The fact with a reason that always ends a spell, as every reason did before the renewal rule."""
    ends_contract = fact.kind == TERMINATION and fact.detail == CONTRACT_ENDED
    return fact._replace(detail=RESIGNED) if ends_contract else fact


def sums(facts: list[Fact], grace_days: int) -> dict[int, int]:
    """Change of class -> its quantity in the ledger, less reversals."""
    row: bytes | None = None
    standing: dict[int, int] = defaultdict(int)
    for fact in facts:
        _, changed, lines = remember(row, fact, grace_days)
        row = row if changed is None else changed
        for line in lines:
            standing[line >> 1] += 1 if line & 1 else -1
    return {change: quantity for change, quantity in standing.items() if quantity}


def test_a_book_of_the_rule_before_differs_in_the_renewals_only(told: Story) -> None:
    differ = {
        who
        for who, facts in by_worker(told).items()
        if sums(facts, told.grace_days) != sums([without_the_rule(fact) for fact in facts], told.grace_days)
    }
    owner = {fact.event_id: who for who, facts in by_worker(told).items() for fact in facts}
    renewed = {owner[note.event_ids[0]] for note in told.notes if note.kind is Planted.RENEWAL}
    assert differ == renewed
    assert len(renewed) == 12
