"""Gathering: a consumer whose records come close together lets the broker wait a little for more, before it answers.

Each answer costs reader and broker about the same, whatever is in it. The wait is the broker's: a process that gathers
holds no record that it has not read, so nothing is lost when it is killed meanwhile.
"""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

AT_ONCE_BYTES: Final = 1


class Wait(NamedTuple):
    """The broker answers a fetch as soon as it has `least_bytes`, and after `wait_ms` in any case."""

    least_bytes: int
    wait_ms: int


@dataclass(frozen=True, slots=True)
class Gathering:
    """While records come close together (`Spacing`), a fetch waits up to `gather_ms` for `enough_bytes`. Otherwise it
    waits up to `idle_ms`: for the first record, or, if `first_waits` too, as the others do.

    While some records are not taken yet, the next fetch leaves out their partitions, which are read again only when it
    has returned. So it waits no longer than `beside_ms`.
    """

    idle_ms: int
    gather_ms: int
    enough_bytes: int
    beside_ms: int = 100
    first_waits: bool = False

    def next(self, *, close: bool, untaken: bool) -> Wait:
        """The wait of the next fetch: whether records come `close` together, and some are still `untaken`."""
        if untaken:
            return Wait(AT_ONCE_BYTES, min(self.beside_ms, self.idle_ms))
        if self.gather_ms and (close or self.first_waits):
            return Wait(self.enough_bytes, self.gather_ms)
        return Wait(AT_ONCE_BYTES, self.idle_ms)


@dataclass(slots=True)
class Spacing:
    """Whether records come `close` together: a fetch brought some from several partitions, or two fetches brought some
    within `gather_ms`; and all since brought some.

    A lonely record is not followed by a wait for more, which would mostly be in vain, and a request of its own.
    """

    gather_ms: int
    close: bool = False
    last_brought_s: float = -math.inf

    def saw(self, partitions: int, now_s: float) -> None:
        """A fetch returned at a monotonic time, with records from this many partitions."""
        soon = (now_s - self.last_brought_s) * 1000 <= self.gather_ms
        self.close = partitions > 0 and (self.close or partitions > 1 or soon)
        if partitions:
            self.last_brought_s = now_s


def gather(consumer: Any, gathering: Gathering, is_read: Callable[[Any], bool] = lambda _: True) -> None:
    """Make a started consumer of aiokafka gather. aiokafka has one wait for all fetches, and reads it for each.

    `is_read(topic_partition)`: whether its records will be taken. A consumer may have partitions that nobody reads now.
    """
    fetcher = consumer._fetcher
    plan: Callable[[Any], Any] = fetcher._get_actions_per_node
    fetch: Callable[..., Awaitable[bool]] = fetcher._proc_fetch_request
    spacing = Spacing(gathering.gather_ms)

    def planned(assignment: Any) -> Any:
        wait = gathering.next(close=spacing.close, untaken=any(map(is_read, fetcher._records)))
        fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = wait
        return plan(assignment)

    async def fetched(*args: Any) -> bool:
        untaken = set(fetcher._records)
        brought = await fetch(*args)
        spacing.saw(sum(map(is_read, fetcher._records.keys() - untaken)) if brought else 0, time.monotonic())
        return brought

    fetcher._get_actions_per_node, fetcher._proc_fetch_request = planned, fetched
