"""Several figures of one run: each is a row of its own, and a round of all of them runs once."""

from collections.abc import Callable, Mapping

from tests.bench.row import Measure

Run = Callable[[], Mapping[str, float]]


class Figures:
    """Hands out what `run` measures; runs again when a figure is asked for a second time."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._left: dict[str, float] = {}

    def measure(self, name: str) -> Measure:
        """The row's measure of this figure."""

        def once() -> float:
            if name not in self._left:
                self._left = dict(self._run())
            return self._left.pop(name)

        return once
