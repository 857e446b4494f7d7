"""The capacity that a number of members needs: `python -m tests.bench.capacity var/bench/bench.json`.

Calculates it from the medians of the whole way's rows. deploy/CAPACITY.md says what is counted and what is not.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import typer
from rich.console import Console

MILLION: Final = 1_000_000
FACTS_PER_WORKER: Final = 6
"""A hire, an enrollment, a year's changes, an end: what is remembered of one worker after some years."""
FACTS_PER_WORKER_AND_YEAR: Final = 2
PEAK_HOURS_SHARE: Final = 0.5
"""Share of a core that steady peaks may take, so that there is room to catch up."""
RELOAD_HOURS: Final = 12
YEARS_KEPT: Final = 10
REPLICAS: Final = 3
KAFKA_TOPICS: Final = (
    "coverage.journal.v1",
    "coverage.ledger.v1",
    "coverage.snapshots.v1",
    "peserta-bookkeeper-book-changelog",
)
ON_DISK: Final = "whole way, on disk: "
PARTS: Final = ("recorder", "bookkeeper", "sink", "Kafka", "ClickHouse")


@dataclass(frozen=True)
class Costs:
    """Costs of a million facts: CPU seconds by part, bytes stored in Kafka and in ClickHouse, bytes received."""

    cpu_s: Mapping[str, float]
    kafka_bytes: float
    clickhouse_bytes: float
    inbound_bytes: float
    worker_bytes: float
    """Memory of the book-keeper for a worker with four facts."""

    @classmethod
    def read(cls, rows: Mapping[str, Any]) -> "Costs":
        """The costs in the rows of `bench.json`. KeyError names a row that was not measured."""
        figure = {name: median(row["rounds"]) for name, row in rows.items()}
        megabytes = {name.removeprefix(ON_DISK): size for name, size in figure.items() if name.startswith(ON_DISK)}
        return cls(
            {part: figure[f"whole way, CPU of {part}"] for part in PARTS},
            MILLION * sum(megabytes[topic] for topic in KAFKA_TOPICS),
            MILLION * megabytes["ClickHouse"],
            MILLION * megabytes["workforce.facts.v1"],
            figure["memory of a worker with four facts"],
        )


@dataclass(frozen=True)
class Place:
    """A place to plan for: its workers, covered or not, and the busiest second of a reporting day."""

    name: str
    workers: int
    peak_facts_per_s: int


PLACES: Final = (
    Place("province, 2 million workers", 2 * MILLION, 300),
    Place("country, 40 million members", 40 * MILLION, 6_000),
)


def needs(costs: Costs, place: Place) -> Iterator[tuple[str, str]]:
    """Needed resource -> its amount, as text."""
    for part, cpu_s in costs.cpu_s.items():
        yield f"cores of {part} at the peak", f"{place.peak_facts_per_s * cpu_s / MILLION / PEAK_HOURS_SHARE:.2f}"
    facts = place.workers * FACTS_PER_WORKER
    slowest = max(costs.cpu_s[part] for part in PARTS)
    yield "facts in a complete re-load", f"{facts / MILLION:,.0f} M"
    yield "re-load with one core per part, hours", f"{facts * slowest / MILLION / 3_600:.1f}"
    yield (
        f"cores of the busiest part to re-load in {RELOAD_HOURS} h",
        (f"{facts * slowest / MILLION / 3_600 / RELOAD_HOURS:.1f}"),
    )
    kept = facts + place.workers * FACTS_PER_WORKER_AND_YEAR * YEARS_KEPT
    yield (
        f"Kafka, {YEARS_KEPT} years, {REPLICAS} replicas, GB",
        f"{kept * costs.kafka_bytes * REPLICAS / MILLION / 1e9:,.0f}",
    )
    yield f"ClickHouse, {YEARS_KEPT} years, one replica, GB", f"{kept * costs.clickhouse_bytes / MILLION / 1e9:,.0f}"
    yield "network into Kafka at the peak, MB/s", f"{_written(costs) * place.peak_facts_per_s / 1e12:.1f}"
    yield "memory of all book-keepers, GB", f"{place.workers * costs.worker_bytes / 1e9:.1f}"


def _written(costs: Costs) -> float:
    """Bytes sent to brokers for a million facts, including replication."""
    return (costs.inbound_bytes + costs.kafka_bytes) * REPLICAS


def table(costs: Costs, places: Sequence[Place] = PLACES) -> str:
    """The needs as a Markdown table."""
    columns = [dict(needs(costs, place)) for place in places]
    lines = [f"| {' | '.join(['', *(place.name for place in places)])} |", f"|---{'|--:' * len(places)}|"]
    lines += [f"| {' | '.join([name, *(column[name] for column in columns)])} |" for name in columns[0]]
    return "\n".join(lines)


def main(results: Annotated[Path, typer.Argument(help="bench.json of a whole `make bench`.")]) -> None:
    """Print the table of deploy/CAPACITY.md."""
    told = json.loads(results.read_text(encoding="utf-8"))
    costs = Costs.read(told["rows"])
    console = Console(soft_wrap=True)
    console.print("; ".join(f"{name} {value}" for name, value in told["machine"].items()), markup=False)
    for part, seconds in costs.cpu_s.items():
        console.print(f"{part}: {seconds:.1f} CPU-s per million facts", markup=False)
    for name, size in (("inbound", costs.inbound_bytes), ("Kafka", costs.kafka_bytes)):
        console.print(f"{name}: {size / MILLION:.0f} MB per million facts, one replica", markup=False)
    console.print(f"ClickHouse: {costs.clickhouse_bytes / MILLION:.0f} MB per million facts", markup=False)
    console.print(f"memory: {costs.worker_bytes:.0f} bytes a worker with four facts", markup=False)
    console.print("\n" + table(costs), markup=False)


if __name__ == "__main__":
    typer.run(main)
