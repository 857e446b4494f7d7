"""Negative controls: a defect, the fault that brings it to light, and what must be found. The same faults upon the
service as it is are in the scenarios, and nothing may be found there."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.chaos.broken import (
    commits_before_appending,
    commits_cursor_before_effect,
    fences_nobody,
    inserts_without_token,
    keeps_cursors_back,
    reads_uncommitted,
    resumes_from_nothing,
    resumes_too_far,
)
from tests.chaos.points import Fault
from tests.chaos.scenarios import PIECE, SECOND_BOOKKEEPER, stop_and_replace
from tests.chaos.world import World

LEDGER: Final = "ledger = journal folded again .*"
INBOUND: Final = "every record consumed has one disposition .*"
ROWS: Final = "rows are inserted once .*"
WAREHOUSE: Final = "ledger records and chain .*ClickHouse.*"
MISSING: Final = "missing [1-9]"
EXTRA: Final = "extra [1-9]"


@dataclass(frozen=True)
class Control:
    """`found`: claim and count of a sentence in the judgement, as a regular expression."""

    role: str
    defect: Callable[[], None]
    act: Callable[[World], None]
    found: str

    @property
    def name(self) -> str:
        return self.defect.__name__


def dies(role: str, point: str, at: int) -> Callable[[World], None]:
    """Once, at this point."""

    def act(world: World) -> None:
        world.service.again(role, Fault(point, at))
        world.feed_until_ended(role)
        world.service.check()

    return act


def wakes_up(world: World) -> None:
    """A book-keeper stands still in front of a transaction while another takes over, and wakes up."""
    stop_and_replace(world)
    before = world.ledger()
    world.service.signal("bookkeeper", signal.SIGCONT)
    world.wait(lambda: world.ledger() > before)
    world.service.leave(SECOND_BOOKKEEPER)


def restarts_sink(world: World) -> None:
    """Killed when some is in ClickHouse, and started again."""
    world.feed(PIECE)
    world.run.wait()
    world.service.kill("sink")
    world.service.check()


LEDGER_LOST, LEDGER_DOUBLED = LEDGER + MISSING, LEDGER + EXTRA
ROWS_DOUBLED = ROWS + EXTRA

CURSOR_FIRST = Control("bookkeeper", commits_cursor_before_effect, dies("bookkeeper", "after a commit", 1), LEDGER_LOST)
CURSORS_BACK = Control("bookkeeper", keeps_cursors_back, dies("bookkeeper", "after a commit", 5), LEDGER_DOUBLED)
NO_FENCE = Control("bookkeeper", fences_nobody, wakes_up, LEDGER_DOUBLED)
UNCOMMITTED = Control("bookkeeper", reads_uncommitted, dies("bookkeeper", "in a transaction", 1), LEDGER_LOST)
OFFSETS_FIRST = Control(
    "recorder", commits_before_appending, dies("recorder", "before an append", 1), INBOUND + MISSING
)
# The first insert of a round is its mark in the table of progress.
NO_TOKEN = Control("sink", inserts_without_token, dies("sink", "after an insert", 2), ROWS_DOUBLED)
TOO_FAR = Control("sink", resumes_too_far, restarts_sink, WAREHOUSE + MISSING)
FROM_NOTHING = Control("sink", resumes_from_nothing, restarts_sink, ROWS_DOUBLED)

# Two in one world, where neither can bring about what is to be found of the other.
PAIRS: Final = (
    (NO_TOKEN, CURSOR_FIRST),
    (FROM_NOTHING, UNCOMMITTED),
    (OFFSETS_FIRST, CURSORS_BACK),
    (TOO_FAR, NO_FENCE),
)
