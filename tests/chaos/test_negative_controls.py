"""The judgement is held against a service with a known defect: one that goes unseen fails the test."""

from pathlib import Path

import pytest

from deploy.embedded.stack import Stack
from peserta.demo.material import Material
from tests.chaos.broken import DEFECTS
from tests.chaos.controls import WORLDS, Control, try_world
from tests.chaos.spares import Spares


@pytest.mark.parametrize("controls", WORLDS, ids=[", ".join(one.words for one in world) for world in WORLDS])
def test_a_defect_is_found(
    controls: tuple[Control, ...], mortal_stack: Stack, tmp_path: Path, material: Material, spares: Spares
) -> None:
    verdicts, named = try_world(controls, mortal_stack, tmp_path, material, spares)
    assert [one.words for one in verdicts if not one.caught] == [], named


def test_every_defect_has_a_control() -> None:
    assert {one.defect.__name__ for world in WORLDS for one in world} == set(DEFECTS)
    assert len(DEFECTS) == 8
