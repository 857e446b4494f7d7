"""Runs of the service and their figures. Each run has its own book, and its result is checked."""

import time
from typing import Any, Final

from peserta.operations.kafka_reading import end_offsets, wait_until_worked
from schemas.topics import ALERTS, DEAD_LETTERS, JOURNAL, LEDGER, SNAPSHOTS
from sinks.clickhouse.reading import wait_until_caught_up
from tests.bench.filling import fill
from tests.bench.place import Place
from tests.bench.service.book import WORK_LIMIT_S, Book
from tests.bench.service.material import POLICIES, Material
from tests.bench.service.samples import Report, Stretch, together
from tests.bench.service.worker import BOOKKEEPER, RECORDER, SINK

MIB: Final = 1 << 20
MILLION: Final = 1_000_000
CARRIED: Final = (JOURNAL, LEDGER, SNAPSHOTS, ALERTS, DEAD_LETTERS)

Figures = dict[str, float]


async def recorder(here: Place, material: Material, profile: str = "") -> Figures:
    """The recorder copies full inbound topics to the journal."""
    book = Book(here, material)
    await book.create()
    await fill(book.kafka, book.settings.topics.facts, material.inbound)
    worker = book.start(RECORDER, material.facts, profile=profile)
    worker.wait_until_reached()
    report = worker.stop()
    await book.check(JOURNAL, [lines[POLICIES:] for lines in material.journal])
    return _figures(report, report.stretch())


async def bookkeeper(here: Place, material: Material, profile: str = "", **settings: Any) -> Figures:
    """The book-keeper turns a full journal under three policies into ledger, alerts and snapshots."""
    book, entries = Book(here, material, **settings), sum(map(len, material.journal))
    await book.create()
    await book.fill(JOURNAL, material.journal)
    worker = book.start(BOOKKEEPER, entries, profile=profile)
    worker.wait_until_reached()
    report = worker.stop()
    await book.check_book()
    again = book.start(BOOKKEEPER, 1)
    again.wait_until_ready()
    recovered = again.stop()
    seconds = max(recovered.recovery_s.values())
    return _figures(report, report.stretch()) | {
        "recovery: records/s": await book.length(_changelog(book)) / seconds,
        "recovery: ready s": recovered.recovered_at_s - again.started_at_s,
    }


def _changelog(book: Book) -> str:
    return book.settings.stream_settings().changelog.removeprefix(book.prefix)


async def sink(here: Place, material: Material, profile: str = "") -> Figures:
    """The sink copies full topics of the workers' records to ClickHouse."""
    book = Book(here, material)
    await book.create()
    for topic, lines in ((JOURNAL, material.journal), *material.outputs.items()):
        await book.fill(topic, lines)
    worker = book.start(SINK, await book.length(*CARRIED), profile=profile)
    worker.wait_until_reached()
    report = worker.stop()
    book.check_tables({"journal_facts": material.facts, "ledger_entries": material.facts})
    stretch = report.stretch()
    return {
        "rows/s": stretch.rows / stretch.seconds,
        "CPU-s per million facts": MILLION * stretch.cpu_s / material.facts,
        "MiB": report.rss_bytes / MIB,
    }


async def whole(here: Place, material: Material, with_sink: bool) -> Figures:
    """From publishing to the committed ledger and alerts, and to ClickHouse if the sink runs."""
    book = Book(here, material)
    await book.create()
    entries = material.partitions * POLICIES
    roles = {RECORDER: POLICIES + material.facts, BOOKKEEPER: entries + material.facts}
    workers = {role: book.start(role, records) for role, records in (roles | ({SINK: 0} if with_sink else {})).items()}
    for worker in workers.values():
        worker.wait_until_ready()
    streams = book.settings.stream_settings()
    await fill(book.kafka, streams.topics.policies, material.policies)
    await wait_until_worked(book.kafka, streams.recorder_app, [streams.topics.policies], WORK_LIMIT_S)
    await wait_until_worked(book.kafka, streams.bookkeeper_app, [streams.topics.journal], WORK_LIMIT_S)
    began_s, used_s = time.time(), here.cpu_s()
    await fill(book.kafka, streams.topics.facts, material.inbound)
    workers[BOOKKEEPER].wait_until_reached()
    if with_sink:
        ends = await end_offsets(book.kafka, [book.prefix + topic for topic in CARRIED])
        await wait_until_caught_up(book.settings.sink_settings(), ends, WORK_LIMIT_S)
    parts_s = {name: seconds - used_s[name] for name, seconds in here.cpu_s().items()}
    reports = {role: worker.stop() for role, worker in workers.items()}
    await book.check_book()
    return _whole(book, reports, began_s) | _per_million(parts_s, material.facts) | _sizes(book, with_sink)


def _whole(book: Book, reports: dict[str, Report], began_s: float) -> Figures:
    facts, entries = book.material.facts, book.material.partitions * POLICIES
    stretches = {
        RECORDER: reports[RECORDER].stretch(POLICIES),
        BOOKKEEPER: reports[BOOKKEEPER].stretch(entries),
    }
    found = {"to the ledger: facts/s": facts / (stretches[BOOKKEEPER].ended_at_s - began_s)}
    if SINK in reports:
        report = reports[SINK]
        stretches[SINK] = report.stretch()
        found["to ClickHouse: facts/s"] = facts / (stretches[SINK].ended_at_s - began_s)
        book.check_tables({"journal_facts": facts, "ledger_entries": facts})
    for role, stretch in stretches.items():
        found[f"{role}: CPU-s per million facts"] = MILLION * stretch.cpu_s / facts
        found[f"{role}: MiB"] = reports[role].rss_bytes / MIB
    return found


def _per_million(parts_s: dict[str, float], facts: int) -> Figures:
    names = {name: "ClickHouse" if name == "ClickHouse" else "Kafka" for name in parts_s}
    return {f"{names[name]}: CPU-s per million facts": MILLION * used / facts for name, used in parts_s.items()}


def _sizes(book: Book, with_sink: bool) -> Figures:
    """Megabytes on disk for a million facts, by topic, and in ClickHouse."""
    facts = book.material.facts
    found = {f"on disk, {topic}: MB per million facts": size / facts for topic, size in book.kafka_bytes().items()}
    if with_sink:
        tables = book.clickhouse_bytes()
        found["on disk, ClickHouse: MB per million facts"] = sum(tables.values()) / facts
    return found


async def scale_out(here: Place, material: Material, workers: int) -> Figures:
    """Several book-keepers on one journal, measured while all of them work."""
    book, entries = Book(here, material), sum(map(len, material.journal))
    await book.create()
    await book.fill(JOURNAL, material.journal)
    running = [book.start(BOOKKEEPER, entries) for _ in range(workers)]
    streams = book.settings.stream_settings()
    await wait_until_worked(book.kafka, streams.bookkeeper_app, [streams.topics.journal], WORK_LIMIT_S)
    reports = [worker.stop() for worker in running]
    await book.check_book()
    stretch = together(reports)
    return {"facts/s": stretch.per_s, "CPU-s per million facts": stretch.cpu_s_per_million}


def _figures(report: Report, stretch: Stretch) -> Figures:
    return {
        "facts/s": stretch.per_s,
        "CPU-s per million facts": stretch.cpu_s_per_million,
        "MiB": report.rss_bytes / MIB,
    }
