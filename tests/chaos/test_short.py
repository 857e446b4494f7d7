"""The short form of `make chaos`: every scenario on one broker once, one after the other on few books. Those that have
a book of their own are in test_alone.py."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from deploy.demo.material import Material
from deploy.embedded.stack import Stack
from tests.chaos.book import run_book
from tests.chaos.scenario import Scenario
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.spares import Spares

SEED = 20251122
ON_ONE_BROKER = [one for one in SCENARIOS if one.nodes == 1]
HISTORY = [one for one in ON_ONE_BROKER if not one.alone and one.clock == "replay"]
BOOKS = {
    "workers": HISTORY[:14],
    "broker and ClickHouse": HISTORY[14:],
    "the wall clock": [one for one in ON_ONE_BROKER if one.clock != "replay"],
}


@pytest.mark.parametrize("scenarios", BOOKS.values(), ids=BOOKS)
def test_after_one_fault_upon_another_the_audit_finds_nothing(
    scenarios: Iterable[Scenario], mortal_stack: Stack, tmp_path: Path, material: Material, spares: Spares
) -> None:
    turns = [(one, SEED + number) for number, one in enumerate(scenarios)]
    done, judgement = run_book(turns, mortal_stack, tmp_path, material, spares)
    assert judgement.named == []
    assert all(cycle.is_well and cycle.seconds for cycle in done)
    assert len(done) == len(turns) > 0
    forgets = sum(cycle.repeats for cycle in done if "offsets are lost" in cycle.scenario)
    assert forgets or all("offsets are lost" not in one.name for one in scenarios), "the recorder was made to repeat"
