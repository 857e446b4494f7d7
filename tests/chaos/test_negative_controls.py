"""The judgement is held against workers with a known defect: one that goes unseen fails the test."""

import re
from pathlib import Path

import pytest

from deploy.demo.material import Material
from deploy.embedded.stack import Stack
from tests.chaos.broken import DEFECTS
from tests.chaos.controls import PAIRS, Control
from tests.chaos.cycle import run_in_one_world
from tests.chaos.scenarios import Scenario

SEED = 4


@pytest.mark.parametrize("pair", PAIRS, ids=[" and ".join(one.name for one in pair) for pair in PAIRS])
def test_a_defect_is_found(pair: tuple[Control, ...], mortal_stack: Stack, tmp_path: Path, material: Material) -> None:
    scenarios = [Scenario(one.name, one.act) for one in pair]
    defects = {one.role: one.name for one in pair}
    judgement, _ = run_in_one_world(scenarios, SEED, mortal_stack, tmp_path, material, defects)
    unseen = [one.name for one in pair if not any(re.match(one.found, said) for said in judgement.named)]
    assert unseen == [], judgement.named


def test_every_defect_has_a_control() -> None:
    assert {one.name for pair in PAIRS for one in pair} == set(DEFECTS)
