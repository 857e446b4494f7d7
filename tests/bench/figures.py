"""Several rows that share one run. A round of all these rows runs only once."""

from collections.abc import Callable, Mapping

from tests.bench.row import Measure

Run = Callable[[], Mapping[str, float]]


class Figures:
    """Gives out the figures of a run, and runs again when a figure is requested a second time."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._left: dict[str, float] = {}

    def measure(self, name: str) -> Measure:
        """The function that measures this figure for its row."""

        def once() -> float:
            if name not in self._left:
                self._left = dict(self._run())
            return self._left.pop(name)

        return once
