"""The load: the story's companies, copied under other ids, in the form that each part of the service reads."""

from dataclasses import replace
from functools import cached_property
from operator import attrgetter
from random import Random
from typing import Final

from peserta.demo.story.companies import COMPANIES
from peserta.demo.story.policies import POLICIES_YAML
from peserta.demo.story.telling import GRACE_DAYS, tell
from peserta.operations.yaml_document import Document
from schemas.admission import Refusal
from schemas.codec import InboundCodec, JournalCodec
from schemas.dates import day
from schemas.fact_json import FactLine, admit
from schemas.records import Coordinates, Entry, FactEntry, Policy, PolicySet
from schemas.topics import TopicNames
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, REQUIRED_DEFAULT, RULES, programme_set
from streams.core.book import Book
from streams.core.declared import policies
from streams.core.rows import StateRows
from tests.support.raw_records import RawRecord

SEED: Final = 7
COPIES_DEFAULT: Final = 6  # copies of the twelve companies, with some 15,000 facts each
ENTRIES_PER_BATCH: Final = 1_000  # the size of a lane's batch under load
POLICIES_FROM: Final = day("2024-11-01")
AS_OF: Final = day("2025-12-31")

__all__ = ["AS_OF", "COPIES_DEFAULT", "ENTRIES_PER_BATCH", "GRACE_DAYS", "Load"]


class Load:
    """The facts of 12 companies for each copy, in order of recording. Each form is computed on first use."""

    def __init__(self, copies: int = COPIES_DEFAULT) -> None:
        self.copies = copies
        self.topics = TopicNames()

    @cached_property
    def lines(self) -> list[bytes]:
        """The facts as lines of a file."""
        reports = [
            report
            for copy in range(self.copies)
            for company in COMPANIES
            for report in tell(replace(company, company_id=f"{company.company_id}-{copy}"), 1.0, SEED).reports
        ]
        return [report.line().encode() for report in sorted(reports, key=attrgetter("recorded_at"))]

    @cached_property
    def facts(self) -> list[FactLine]:
        """The facts that admission accepts."""
        return [admitted for admitted in map(admit, self.lines) if not isinstance(admitted, Refusal)]

    @cached_property
    def inbound(self) -> list[RawRecord]:
        """The facts as publishers send them."""
        encode = InboundCodec().encode
        return [
            RawRecord(offset, fact.company_id.encode(), encode(fact), recorded_at)
            for offset, (fact, recorded_at) in enumerate(self.facts)
        ]

    @cached_property
    def entries(self) -> list[FactEntry]:
        """The facts as entries of the journal."""
        topic = self.topics.facts
        return [
            FactEntry(Coordinates(topic, 0, offset), recorded_at, fact)
            for offset, (fact, recorded_at) in enumerate(self.facts)
        ]

    @cached_property
    def journal(self) -> list[RawRecord]:
        """One partition of the journal, with three policies before the first fact."""
        encode = JournalCodec().encode
        values: list[Entry] = [*self.policy_entries(3), *self.entries]
        return [
            RawRecord(offset, entry.fact.company_id.encode() if isinstance(entry, FactEntry) else b"-", encode(entry))
            for offset, entry in enumerate(values)
        ]

    def policies(self, number: int) -> tuple[Policy, ...]:
        """The story's three policies first, then generated ones with all rules, programmes and clocks."""
        random = Random(SEED)
        told = policies(Document(POLICIES_YAML.encode()).value())
        return (*told, *(_policy(random, n) for n in range(number - len(told))))[:number]

    def policy_entries(self, number: int) -> list[PolicySet]:
        """The policies as entries of the journal, recorded with the first fact's time."""
        at = self.facts[0].recorded_at
        topic = self.topics.policies
        return [PolicySet(Coordinates(topic, 0, n), at, policy) for n, policy in enumerate(self.policies(number))]

    def book(self, number: int, rows: StateRows | None = None) -> Book:
        """A book with so many policies and no facts, in `rows` if given."""
        book = Book(GRACE_DAYS, rows=rows)
        for offset, entry in enumerate(self.policy_entries(number)):
            book.apply(entry, offset)
        return book


def _policy(random: Random, number: int) -> Policy:
    rule = random.choice(RULES)
    required = random.choice(
        (REQUIRED_DEFAULT, programme_set(("JHT",)), programme_set(("JMO",)), programme_set(("JP",)))
    )
    return Policy(
        f"policy-{number:02}",
        random.choice((1_000, 2_000, 4_000, 6_000)),
        POLICIES_FROM,
        rule=rule,
        required=required,
        clock=random.choice(("raw", "due")),
        employment_types=random.choice((ALL_EMPLOYMENT_TYPES, 0b01010)),
        hold_days=random.choice((0, 0, 5)),
        baseline_on=None if rule == "level" else POLICIES_FROM + random.choice((0, 60, 200)),
    )
