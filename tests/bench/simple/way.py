"""The list of ways of doing the simple work. It imports none of their modules."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[3]
QUIX_PYTHON: Final = TOP / ".venv-bench" / "bin" / "python"


@dataclass(frozen=True)
class Way:
    """A module to run, and its variant. A slow way gets only a `share` of the facts."""

    name: str
    module: str
    variant: str = ""
    share: float = 1.0
    python: Path = Path(sys.executable)
    makes_changelogs: bool = True
    """Whether the changelogs are to be made for it: `state` for one that keeps them by hand, Faust's tables else."""


WAYS: Final = (
    Way("lane", "lane"),
    Way("aiokafka, no guarantees", "aiokafka_loop", "plain"),
    Way("aiokafka, transactions", "aiokafka_loop", "transactions"),
    Way("Faust agent", "faust_agent", "event", share=0.05),
    Way("Faust take", "faust_agent", "take", share=0.1),
    Way("Quix Streams", "quix", "at-least-once", 0.25, QUIX_PYTHON, makes_changelogs=False),
    Way("Quix Streams, exactly once", "quix", "exactly-once", 0.25, QUIX_PYTHON, makes_changelogs=False),
)

RECOVERIES: Final = (
    Way("lane", "lane", "recovery"),
    Way("Faust table", "faust_agent", "recovery", share=0.05),
)
