"""The short form of `make chaos LOCKS=1`: kills and refusals behind Kafka's locks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from deploy.embedded.stack import Stack
from peserta.demo.material import Material
from tests.chaos.book import run_book, start_stack
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.spares import Spares

SEED: Final = 20251123  # with the book-keepers' state on disk
NAMES: Final = (
    "the book-keeper dies at work",
    "the recorder is killed anywhere",
    "a topic may not be written to",
)


@pytest.fixture(scope="module")
def locked_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with start_stack(tmp_path_factory.mktemp("locked"), locked=True) as running:
        yield running


def test_behind_locks_too_one_fault_upon_another_loses_and_doubles_nothing(
    locked_stack: Stack, tmp_path: Path, material: Material, spares: Spares
) -> None:
    chosen = [one for one in SCENARIOS if one.name in NAMES]
    assert len(chosen) == len(NAMES)
    turns = [(one, SEED + number) for number, one in enumerate(chosen)]
    done, judgement = run_book(turns, locked_stack, tmp_path, material, spares)
    assert judgement.named == []
    assert [cycle.scenario for cycle in done if not (cycle.is_well and cycle.seconds)] == []
