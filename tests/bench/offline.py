"""The offline book: passes lines of JSON through `simulate` with three policies, and discards the output."""

from collections import deque

from streams.core.simulate import Rules, simulate
from tests.bench.load import AS_OF, GRACE_DAYS, Load
from tests.bench.row import Measure, rate


def prepare(load: Load) -> Measure:
    lines, rules = list(enumerate(load.lines, 1)), Rules(load.policies(3), (), GRACE_DAYS)

    def run() -> int:
        deque(simulate(lines, rules, AS_OF), maxlen=0)
        return len(lines)

    return rate(run)
