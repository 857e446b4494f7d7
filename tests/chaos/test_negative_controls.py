"""The judgement is held against a service with a known defect: one that goes unseen fails the test."""

from pathlib import Path

import pytest

from deploy.embedded.stack import Stack
from peserta.demo.material import Material
from tests.chaos.controls import WORLDS, Control, try_world
from tests.chaos.spares import Spares
from tests.support.broken_variants import APPENDS_LOST, DROPPED, EAGER_DISK, REPEATED, SWALLOWED, VARIANTS, WRITTEN_OFF


@pytest.mark.parametrize("controls", WORLDS, ids=[", ".join(one.variant.name for one in world) for world in WORLDS])
def test_a_defect_is_found(
    controls: tuple[Control, ...], mortal_stack: Stack, tmp_path: Path, material: Material, spares: Spares
) -> None:
    verdicts, named = try_world(controls, mortal_stack, tmp_path, material, spares)
    assert [one.words for one in verdicts if not one.caught] == [], named


def test_every_defect_that_needs_a_fault_has_a_control() -> None:
    tried = {one.variant.name for world in WORLDS for one in world}
    assert set(VARIANTS) - tried == {
        one.name for one in (EAGER_DISK, SWALLOWED, DROPPED, REPEATED, APPENDS_LOST, WRITTEN_OFF)
    }
