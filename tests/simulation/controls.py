"""Negative controls: the broken variants, and the claim that the judgement must find broken for each."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.simulation import roles
from tests.support.broken_variants import (
    APPENDS_LOST,
    CLOCK_NOT_HELD,
    CURSOR_FIRST,
    CURSORS_BACK,
    DROPPED,
    EAGER_DISK,
    GROUP_OFFSET,
    NO_FENCE,
    NO_TOKEN,
    OFFSETS_FIRST,
    REPEATED,
    SWALLOWED,
    UNCOMMITTED,
    WRITTEN_OFF,
    reading_uncommitted,
)
from tests.support.variant import Patch, Variant

LEDGER: Final = "ledger = journal folded again"
INBOUND: Final = "every record consumed has one disposition"
CLOCK: Final = "recorders stamp in the broker's time"
ROWS: Final = "rows are inserted once"


@dataclass(frozen=True)
class Control:
    """`claim`: what a sentence of the judgement begins with. `is_on_disk`: where the book-keepers' state is; None: on
    disk with every so many-th seed. `also`: the variant's patch where the simulation replaces the patched part."""

    variant: Variant
    claim: str
    is_on_disk: bool | None = None
    also: Sequence[Patch] = ()

    def present(self, folder: Path) -> AbstractContextManager[None]:
        """The variant, for one schedule, which keeps its files in this folder."""
        return self.variant.present(folder, self.also)


CONTROLS: Final = {
    control.variant.name: control
    for control in (
        Control(CURSOR_FIRST, LEDGER),
        Control(NO_FENCE, LEDGER),
        Control(CURSORS_BACK, LEDGER),
        Control(UNCOMMITTED, LEDGER, also=[Patch(roles, "changelog_consumer", reading_uncommitted)]),
        Control(EAGER_DISK, LEDGER, is_on_disk=True),
        Control(SWALLOWED, LEDGER),
        Control(DROPPED, LEDGER),
        Control(REPEATED, LEDGER),
        Control(OFFSETS_FIRST, INBOUND),
        Control(APPENDS_LOST, INBOUND),
        Control(CLOCK_NOT_HELD, CLOCK),
        Control(NO_TOKEN, ROWS),
        Control(GROUP_OFFSET, ROWS),
        Control(WRITTEN_OFF, ROWS),
    )
}
