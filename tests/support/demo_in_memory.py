"""A demonstration without a broker: the material through a book in memory, read as the demonstration reads it.

ClickHouse's part is what a right sink would hold.
"""

import asyncio
from dataclasses import dataclass, replace

from peserta.demo.evidence import Evidence, of_topics
from peserta.demo.material import Material
from peserta.demo.run import Sent
from peserta.operations.audit.report import audit_topics
from schemas.admission import Refusal
from schemas.codec import InboundCodec, OutputCodec
from schemas.fact_json import read_record
from schemas.records import Coordinates
from streams.core.simulate import company_line
from tests.support.book_in_memory import PARTITIONS, SETTINGS, TOPICS, BookInMemory
from tests.support.partition_log import Stored


@dataclass
class Ended:
    """A demonstration that has come to its end."""

    sent: Sent
    book: BookInMemory

    def evidence(self) -> Evidence:
        """What a committed reader of the topics finds, and an analyst in a ClickHouse that a right sink has filled."""
        return asyncio.run(_evidence(self.book))


def through(material: Material) -> Ended:
    """The material through recorder and book-keeper."""
    book = BookInMemory(settings=replace(SETTINGS, grace_days=material.rules.grace_days))
    outputs, inbound, sent = OutputCodec(), InboundCodec(), Sent()
    for policy in material.rules.policies:
        value = outputs.encode_policy(policy)
        book.publish(policy.policy_id.encode(), value, material.starts_at, TOPICS.policies)
    for company in material.rules.companies:
        value = outputs.encode_company(company)
        book.publish(company.company_id.encode(), value, material.starts_at, TOPICS.companies)
    for number, line in material.lines:
        read = read_record(line)
        if isinstance(read, Refusal):
            sent.refused[number] = read
        else:
            key, value = read.fact.company_id.encode(), inbound.encode(read.fact)
            sent.lines[_at(book.publish(key, value, read.recorded_at))] = number
    for raw in material.raw_records:
        sent.raw[_at(book.publish(raw.key, raw.value, raw.timestamp))] = raw
    book.record()
    book.tick(material.as_of)
    book.keep()
    return Ended(sent, book)


def _at(record: Stored) -> Coordinates:
    return Coordinates(record.topic, record.partition, record.offset)


async def _evidence(book: BookInMemory) -> Evidence:
    report = await audit_topics(book.settings, book.topics, lambda _: None, book.committed)
    report.kept = [replace(one, clickhouse_next=one.journal_next) for one in report.kept]
    evidence = await of_topics(book.settings, book.topics, report)
    evidence.refused = {at: letter.reason for at, letter in evidence.dead_letters.items()}
    for partition in range(PARTITIONS):
        for record in book.stored(TOPICS.snapshots, partition):
            figures = OutputCodec().decode_snapshot(record.value or b"").figures
            evidence.companies[figures.company_id] = company_line(figures)
    return evidence
