"""Comparing facts in files with a journal: which are known already, and which would conflict."""

from collections.abc import Callable

from peserta.intake.known_already import FactsOfFiles
from peserta.operations.audit.reading import PartitionReader, entries_of
from peserta.operations.kafka_reading import consumer_of
from schemas.codec import JournalCodec
from schemas.kafka.access import Brokers
from schemas.records import FactEntry
from streams.partitioning import partition_of

OnPassed = Callable[[int, int], None]


async def compare(kafka: Brokers, journal: str, facts: FactsOfFiles, on_passed: OnPassed) -> None:
    """Add to `facts` everything that the journal has of their companies, as committed now.

    Reports progress by `on_passed(offsets passed, offsets in all)`. Raises Failed without broker or journal.
    """
    if not facts.companies:  # a consumer that is stopped as soon as it has unsubscribed may never end
        return
    async with consumer_of(kafka, [journal]) as consumer:
        count = len(consumer.assignment())
        consumer.unsubscribe()
        partitions = sorted({partition_of(company.encode(), count) for company in facts.companies})
        reader = PartitionReader(consumer)
        stretches = {partition: await reader.stretch(journal, partition) for partition in partitions}
        whole, passed = sum(end - begin for begin, end in stretches.values()), 0
        codec = JournalCodec()
        for partition, (begin, end) in stretches.items():
            async for batch in reader.batches(journal, partition, end=end):
                for entry in entries_of(codec, batch):
                    if isinstance(entry, FactEntry):
                        facts.in_book(entry.fact)
                on_passed(passed + batch[-1].offset + 1 - begin, whole)
            passed += end - begin
