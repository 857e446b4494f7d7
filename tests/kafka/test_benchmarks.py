"""The benchmarks on a small load: they still run, they measure the right work, and they reject wrong work."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import pytest

from deploy.embedded.stack import Stack
from peserta.demo.story.companies import COMPANIES
from peserta.demo.story.telling import tell
from schemas.topics import LEDGER
from tests.bench.load import SEED, Load
from tests.bench.place import Place
from tests.bench.service import runs
from tests.bench.service.book import Book, WrongWork
from tests.bench.service.material import Material
from tests.bench.simple.contest import Contest
from tests.bench.simple.verifier import NotTheSameWork, check, check_state
from tests.bench.simple.way import WAYS, Way
from tests.bench.simple.work import KeyValue, decode, encode_fact
from tests.bench.simple.world import computed, facts

FACTS = 4_000
PARTITIONS = 2
# Quix Streams needs its own environment, and only `make bench` creates it.
OWN_WAYS = [way for way in WAYS if way.module != "quix" and way.variant != "take"]


class ShortLoad(Load):
    """A load of one small company instead of all companies."""

    @cached_property
    def lines(self) -> list[bytes]:
        reports = tell(COMPANIES[0], 0.2, SEED).reports
        return [report.line().encode() for report in sorted(reports, key=lambda report: report.recorded_at)]


@pytest.mark.parametrize("way", OWN_WAYS, ids=lambda way: way.name)
async def test_a_way_of_the_simple_work_does_that_work(
    way: Way, kafka_address: str, topic_prefix: str, tmp_path: Path
) -> None:
    done = await Contest(kafka_address, topic_prefix, tmp_path, FACTS, PARTITIONS).run(way)
    assert done.records == FACTS * way.share
    assert min(done.seconds, done.cpu_s, done.rss_bytes) > 0


def changed_fact(value: bytes) -> bytes:
    """The same fact of another worker."""
    return encode_fact({**decode(value), "worker_id": "somebody"})


OTHER_WORK: dict[str, Callable[[list[KeyValue]], list[KeyValue]]] = {
    "a record is missing": lambda records: records[:7] + records[8:],
    "the last record is missing": lambda records: records[:-1],
    "a record is there twice": lambda records: [*records[:8], *records[7:]],
    "two records are in another order": lambda records: [records[1], records[0], *records[2:]],
    "nothing was written": lambda _: [],
    "a value is another": lambda records: [*records[:-1], (records[-1][0], records[-1][1] + b"\0")],
    "a key is another": lambda records: [(b"C", records[0][1]), *records[1:]],
}


@pytest.mark.parametrize("harm", OTHER_WORK.values(), ids=OTHER_WORK)
def test_other_work_is_not_let_through(harm: Callable[[list[KeyValue]], list[KeyValue]]) -> None:
    wanted = [made.ledger for made in computed(facts(500, PARTITIONS))]
    check("ledger", wanted, wanted)
    with pytest.raises(NotTheSameWork, match="ledger-1"):
        check("ledger", [wanted[0], harm(wanted[1])], wanted)


def test_state_that_was_not_kept_is_not_let_through() -> None:
    with pytest.raises(NotTheSameWork, match="9 rows, and the state 10"):
        check_state(9, 10)


async def test_a_way_that_works_on_other_facts_is_not_let_through(
    kafka_address: str, topic_prefix: str, tmp_path: Path
) -> None:
    contest = Contest(kafka_address, topic_prefix, tmp_path, 200, PARTITIONS)
    loop = next(way for way in WAYS if way.variant == "plain")
    await contest.run(loop)
    contest.expect([[(key, changed_fact(value)) for key, value in lines] for lines in facts(200, PARTITIONS)])
    with pytest.raises(NotTheSameWork):
        await contest.run(loop)


async def test_the_service_is_measured_on_work_that_is_right(stack: Stack, tmp_path: Path) -> None:
    here, material = Place(stack, tmp_path), Material(ShortLoad(1), PARTITIONS)
    figures = await runs.bookkeeper(here, material)
    assert min(figures.values()) > 0
    book = Book(here, material)
    await book.create()
    await book.fill(LEDGER, [lines[1:] for lines in material.outputs[LEDGER]])
    with pytest.raises(WrongWork, match=LEDGER):
        await book.check_book()
