"""Negative controls: each names a defect, the fault that exposes it, and the findings that the judgement must report.
The scenarios inject the same faults into the unchanged service, and there the judgement must find nothing.

The controls put eight of the broken variants (`tests/support/broken_variants.py`) into real workers. Defects in the
book-keeper's own steps show without any fault; the simulation and the tests of the audit cover them.
"""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from deploy.embedded.stack import Stack
from peserta.demo.material import Material
from streams.clock import now_ms
from tests.chaos.judgement import judge
from tests.chaos.points import Fault
from tests.chaos.scenario import PIECE, WALL, Act
from tests.chaos.spares import Spares
from tests.chaos.worker_faults import SECOND_BOOKKEEPER, instant_of_2052, stop_and_replace
from tests.chaos.world import REPLAY, World
from tests.support import broken_variants as broken
from tests.support.variant import Variant

SEED: Final = 4
TOLD: Final = 200  # facts before the fault
LEDGER: Final = "ledger = journal folded again"
INBOUND: Final = "every record consumed has one disposition"
ROWS: Final = "rows are inserted once"
WAREHOUSE: Final = "ledger records and chain in ClickHouse"
MISSING: Final = "missing [1-9]"
EXTRA: Final = "extra [1-9]"


@dataclass(frozen=True)
class Control:
    """A broken variant of real workers. `found`: the claim and the count that a sentence of the judgement must match,
    as regular expressions."""

    variant: Variant
    light: str
    role: str
    act: Act
    found: tuple[str, str]
    clock: str = REPLAY

    def caught(self, named: Sequence[str]) -> bool:
        """Whether a sentence of the judgement reports the defect."""
        return any(re.match(f"{self.found[0]}.*{self.found[1]}", said) for said in named)


@dataclass(frozen=True)
class Verdict:
    """A row of the table of controls."""

    words: str
    light: str
    caught: bool


def dies(role: str, point: str, at: int) -> Act:
    """The worker dies once, when it passes this point for the `at`-th time."""

    def act(world: World) -> None:
        world.strike(role, Fault(point, at))
        world.service.check()

    return act


def wakes_up(world: World) -> None:
    """A book-keeper is stopped before a transaction; another takes over; then the first one continues."""
    stop_and_replace(world)
    before = world.ledger()
    world.service.signal("bookkeeper", signal.SIGCONT)
    world.wait(lambda: world.ledger() > before)
    world.service.leave(SECOND_BOOKKEEPER)


def records_in_2052(world: World) -> None:
    """Publish facts while the recorder's clock is in 2052."""
    world.set_clock(instant_of_2052() - now_ms())
    world.feed(PIECE)
    world.wait_until_kept()
    world.set_clock(0)


AFTER_A_COMMIT: Final = "after a commit, before the group's offset"
CURSOR_FIRST = Control(
    broken.CURSOR_FIRST,
    f"the book-keeper dies {AFTER_A_COMMIT}",
    "bookkeeper",
    dies("bookkeeper", AFTER_A_COMMIT, 1),
    (LEDGER, MISSING),
)
NO_FENCE = Control(
    broken.NO_FENCE,
    "a stopped book-keeper wakes up after its successor",
    "bookkeeper",
    wakes_up,
    (LEDGER, EXTRA),
)
CURSORS_BACK = Control(
    broken.CURSORS_BACK,
    f"the book-keeper dies {AFTER_A_COMMIT}",
    "bookkeeper",
    dies("bookkeeper", AFTER_A_COMMIT, 5),
    (LEDGER, EXTRA),
)
UNCOMMITTED = Control(
    broken.UNCOMMITTED,
    "the book-keeper dies in a transaction",
    "bookkeeper",
    dies("bookkeeper", "in a transaction", 1),
    (LEDGER, MISSING),
)
OFFSETS_FIRST = Control(
    broken.OFFSETS_FIRST,
    "the recorder dies before an append",
    "recorder",
    dies("recorder", "before an append", 1),
    (INBOUND, MISSING),
)
CLOCK_NOT_HELD = Control(
    broken.CLOCK_NOT_HELD,
    "the recorder's machine lives in 2052",
    "recorder",
    records_in_2052,
    ("recorders stamp in the broker's time", "different [1-9]"),
    WALL,
)
# The first insert of a round is its mark in the table of progress.
NO_TOKEN = Control(
    broken.NO_TOKEN,
    "the sink dies after an insert",
    "sink",
    dies("sink", "after an insert", 2),
    (ROWS, EXTRA),
)
# The point lies in the ledger's range, because the audit compares the ledger with ClickHouse.
BEFORE_AN_INSERT: Final = "between a range's mark and its insert, of the ledger"
GROUP_OFFSET = Control(
    broken.GROUP_OFFSET,
    f"the sink dies {BEFORE_AN_INSERT}",
    "sink",
    dies("sink", BEFORE_AN_INSERT, 1),
    (WAREHOUSE, MISSING),
)

# Controls share a world if none can cause the finding of another. All controls of a world have the same clock.
WORLDS: Final = (
    (NO_TOKEN, CURSOR_FIRST),
    (GROUP_OFFSET, UNCOMMITTED),
    (OFFSETS_FIRST, CURSORS_BACK),
    (NO_FENCE,),
    (CLOCK_NOT_HELD,),
)


def try_world(
    controls: Sequence[Control], stack: Stack, folder: Path, material: Material, spares: Spares
) -> tuple[list[Verdict], list[str]]:
    """Run these defects in one world. Returns their verdicts and all sentences of the judgement."""
    defects = {one.role: one.variant.name for one in controls}
    world = World(stack, folder, material, spares, controls[0].clock, defects=defects)
    world.rng = Random(SEED)
    try:
        world.begin(TOLD)
        for one in controls:
            one.act(world)
        world.end()
        named = judge(world).named
    finally:
        world.close()
    return [Verdict(one.variant.name, one.light, one.caught(named)) for one in controls], named
