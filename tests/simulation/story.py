"""A small story from a seed: facts that repeat, conflict, arrive late and correct each other, with invalid records,
policies and registry entries among them."""

from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

from schemas.codec import InboundCodec, OutputCodec
from schemas.dates import day, instant
from schemas.records import Company, Fact, Instant
from schemas.topics import TopicNames
from schemas.vocabulary import CORRECTION, ENROLLMENT, HIRE, REQUIRED_DEFAULT, TERMINATION, WITHDRAWN
from streams.partitioning import partition_of
from tests.support.facts import level

BEGINS_AT: Final[Instant] = instant("2025-09-01T16:59:55Z")  # five seconds before midnight in Jakarta
FIRST_ON: Final = day("2025-08-20")
SPAN_DAYS: Final = 25
COMPANIES: Final = ("C1", "C2", "C3")
WORKERS_MAX: Final = 8
FACTS: Final = (12, 45)
POISON: Final = (b"", b"no Avro", b"\x00\x00\x00\x00\x63\x01 no such schema", b"\x00" * 20_000)
DAY_MS: Final = 86_400_000


class Told(NamedTuple):
    """A record to publish."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    timestamp: Instant


class Story:
    """Everything that publishers send in one schedule, in order."""

    def __init__(self, rng: Random, topics: TopicNames, partitions: int) -> None:
        self._rng, self._topics, self._partitions = rng, topics, partitions
        self._inbound, self._outputs = InboundCodec(), OutputCodec()
        self._sent: list[Fact] = []
        self._at = BEGINS_AT

    def records(self) -> list[Told]:
        rules = list(self._rules())
        told = rules + [self._next(number) for number in range(self._rng.randint(*FACTS))]
        if self._rng.random() < 0.5:  # rules that arrive among the facts
            self._rng.shuffle(told)
            told.sort(key=lambda record: record.timestamp)
        return told

    def _rules(self) -> Iterator[Told]:
        for policy_id in ("A", "B")[: self._rng.randint(0, 2)]:
            threshold = self._rng.choice((2000, 5000, 9999))
            policy = level(policy_id, threshold, hold_days=self._rng.choice((0, 0, 2)))
            yield self._told(self._topics.policies, policy_id, self._outputs.encode_policy(policy))
        if self._rng.random() < 0.3:
            yield self._told(self._topics.policies, "A", None)
        if self._rng.random() < 0.5:
            company = Company(self._rng.choice(COMPANIES), name="One")
            yield self._told(self._topics.companies, company.company_id, self._outputs.encode_company(company))

    def _told(self, topic: str, key: str, value: bytes | None) -> Told:
        return Told(topic, partition_of(key.encode(), self._partitions), key.encode(), value, self._at)

    def _next(self, number: int) -> Told:
        self._at += self._rng.choice((0, 0, 1000, 60_000, DAY_MS))
        what = self._rng.random()
        if what < 0.08:
            return self._told(self._topics.facts, self._rng.choice(COMPANIES), self._rng.choice(POISON))
        if what < 0.2 and self._sent:
            fact = self._rng.choice(self._sent)
        else:
            fact = self._fact(number)
            self._sent.append(fact)
        return self._told(self._topics.facts, fact.company_id, self._inbound.encode(fact))

    def _fact(self, number: int) -> Fact:
        rng = self._rng
        kind = rng.choice((HIRE, HIRE, HIRE, ENROLLMENT, ENROLLMENT, ENROLLMENT, TERMINATION, CORRECTION))
        detail = {
            HIRE: rng.choice((0, 3)),
            ENROLLMENT: REQUIRED_DEFAULT | rng.choice((0, 0, 0, WITHDRAWN)),
            TERMINATION: 0,
            CORRECTION: 0,
        }[kind]
        event_id = f"e{number if rng.random() < 0.9 else rng.randrange(number + 1)}"
        corrects = f"e{rng.randrange(number + 1)}" if kind == CORRECTION else ""
        company, worker = rng.choice(COMPANIES), f"w{rng.randrange(WORKERS_MAX)}"
        on = FIRST_ON + rng.randrange(SPAN_DAYS)
        occurred_at = BEGINS_AT - rng.randrange(3) * 1000
        return Fact(kind, detail, event_id, company, worker, on, occurred_at, "hris", corrects)
