"""The short form of `make chaos`: the most valuable scenarios, one after the other on one book, judged at its end."""

from pathlib import Path

from deploy.demo.material import Material
from deploy.embedded.stack import Stack
from tests.chaos.cycle import run_in_one_world
from tests.chaos.scenarios import SCENARIOS

SEED = 20251122
LEFT_TO_THE_LONG_FORM = frozenset(
    (
        "workers join and leave",
        "the book-keeper is killed anywhere",
        "the recorder is killed anywhere",
        "the broker is killed",
    )
)


def test_after_one_fault_upon_another_the_audit_finds_nothing(
    mortal_stack: Stack, tmp_path: Path, material: Material
) -> None:
    chosen = [one for one in SCENARIOS if one.nodes == 1 and one.goes_on and one.name not in LEFT_TO_THE_LONG_FORM]
    judgement, _ = run_in_one_world(chosen, SEED, mortal_stack, tmp_path, material)
    assert judgement.named == []
    assert (judgement.lost, judgement.doubled) == (0, 0)
    assert judgement.records > len(material.lines)
    assert judgement.repeats > 0, "the recorder was made to repeat"


def test_a_book_whose_state_is_lost_is_not_taken_up(mortal_stack: Stack, tmp_path: Path, material: Material) -> None:
    lost = next(one for one in SCENARIOS if not one.goes_on)
    run_in_one_world([lost], SEED, mortal_stack, tmp_path, material)
