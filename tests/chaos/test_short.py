"""The short form of `make chaos`: every scenario on one broker once, one after the other on few books. Those that have
a book of their own are in test_alone.py."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from deploy.embedded.stack import Stack
from peserta.demo.material import Material
from streams.settings import STATE_NAME
from tests.chaos.book import run_book
from tests.chaos.scenario import Scenario
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.spares import Spares

SEED_IN_MEMORY, SEED_ON_DISK = 20251122, 20251123  # where the book-keepers' state is
ON_ONE_BROKER = [one for one in SCENARIOS if one.nodes == 1]
HISTORY = [one for one in ON_ONE_BROKER if not one.alone and one.clock == "replay"]
BOOKS = {
    "workers": (SEED_ON_DISK, HISTORY[:15]),
    "broker and ClickHouse": (SEED_IN_MEMORY, HISTORY[15:]),
    "the wall clock": (SEED_ON_DISK, [one for one in ON_ONE_BROKER if one.clock != "replay"]),
}


@pytest.mark.parametrize(("seed", "scenarios"), BOOKS.values(), ids=BOOKS)
def test_after_one_fault_upon_another_the_audit_finds_nothing(
    seed: int, scenarios: Iterable[Scenario], mortal_stack: Stack, tmp_path: Path, material: Material, spares: Spares
) -> None:
    turns = [(one, seed + number) for number, one in enumerate(scenarios)]
    done, judgement = run_book(turns, mortal_stack, tmp_path, material, spares)
    assert judgement.named == []
    assert all(cycle.is_well and cycle.seconds for cycle in done)
    assert len(done) == len(turns) > 0
    kept = list(tmp_path.rglob(f"state/*/*{STATE_NAME}*/*/*/CURRENT"))  # a file of each RocksDB
    assert bool(kept) is (seed == SEED_ON_DISK)
    forgets = sum(cycle.repeats for cycle in done if "offsets are lost" in cycle.scenario)
    assert forgets or all("offsets are lost" not in one.name for one in scenarios), "the recorder was made to repeat"
