"""The loaded facts of a small world, made from one seed, and the records that every way must write for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from streams.partitioning import partition_of
from tests.bench.simple.work import (
    ENROLLED,
    INSIDE,
    NEW,
    OUTSIDE,
    Company,
    KeyValue,
    alert_record,
    decode,
    encode_fact,
    ledger_record,
    post,
)

SEED: Final = 7
COMPANIES: Final = 400
WORKERS_PER_COMPANY: Final = 500
ENROLLED_PCT: Final = 70  # share of hired workers who enrol with their next fact; the others leave
FIRST_MS: Final = 1_700_000_000_000

Partitions = list[list[KeyValue]]


def facts(count: int, partitions: int) -> Partitions:
    """Encoded facts by partition, in order. A smaller count gives the first part of a larger one."""
    found: Partitions = [[] for _ in range(partitions)]
    for key, value in _facts(count):
        found[partition_of(key, partitions)].append((key, value))
    return found


def _facts(count: int) -> Iterator[KeyValue]:
    random, workers = Random(SEED), dict[str, int]()
    for number in range(count):
        company_id = f"C{random.randrange(COMPANIES):04d}"
        worker_id = f"{company_id}-W{random.randrange(WORKERS_PER_COMPANY):05d}"
        worker = workers.get(worker_id, OUTSIDE)
        is_enrolled = worker == INSIDE and random.randrange(100) < ENROLLED_PCT
        kind, after = ("hire", INSIDE) if worker == OUTSIDE else ("enrol", ENROLLED) if is_enrolled else ("term", 0)
        workers[worker_id] = after
        fact = {"event_id": f"e{number:010d}", "company_id": company_id, "worker_id": worker_id, "kind": kind}
        yield company_id.encode(), encode_fact({**fact, "at": FIRST_MS + number})


@dataclass(frozen=True)
class Made:
    """The expected result of one partition: the outputs in order, and the number of rows of state."""

    ledger: list[KeyValue]
    alerts: list[KeyValue]
    state_rows: int


def computed(loaded: Partitions) -> list[Made]:
    """Compute the results without Kafka, one fact after the other."""
    return [_computed(partition, records) for partition, records in enumerate(loaded)]


def _computed(partition: int, records: list[KeyValue]) -> Made:
    workers, companies, made = dict[str, int](), dict[str, Company](), Made([], [], 0)
    for offset, (key, value) in enumerate(records):
        fact = decode(value)
        before = companies.get(fact["company_id"], NEW)
        posted = post(fact["kind"], workers.get(fact["worker_id"], OUTSIDE), before)
        if posted is not None:
            workers[fact["worker_id"]], companies[fact["company_id"]] = _, company = posted
            entry_id = f"{partition}-{offset}"
            made.ledger.append((key, ledger_record(fact, entry_id, company)))
            if company.above != before.above:
                made.alerts.append((key, alert_record(fact["company_id"], entry_id, company)))
    return Made(made.ledger, made.alerts, len(workers) + len(companies))


def table_rows(count: int, partitions: int) -> Partitions:
    """So many rows of a table of workers by partition, as Faust's JSON serializers write them to a changelog."""
    found: Partitions = [[] for _ in range(partitions)]
    for number in range(count):
        key = f'"C{number % COMPANIES:04d}-W{number:07d}"'.encode()
        found[partition_of(key, partitions)].append((key, b"%d" % (number % 3)))
    return found
