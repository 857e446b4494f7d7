"""The short form of the scenarios that have a book of their own."""

from pathlib import Path

import pytest

from deploy.embedded.stack import Stack
from peserta.demo.material import Material
from tests.chaos.book import run_book
from tests.chaos.scenario import Scenario
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.spares import Spares

SEED = 20251122
ALONE = [one for one in SCENARIOS if one.alone]


@pytest.mark.parametrize("scenario", ALONE, ids=[one.name for one in ALONE])
def test_what_can_be_made_again_is_and_the_audit_names_what_cannot(
    scenario: Scenario, mortal_stack: Stack, tmp_path: Path, material: Material, spares: Spares
) -> None:
    (cycle,), judgement = run_book([(scenario, SEED)], mortal_stack, tmp_path, material, spares)
    assert judgement.named == []
    assert cycle.is_well and cycle.seconds
