"""Gathering: a consumer that has just read a few records lets the broker wait a little for more, before it answers.

Each answer costs reader and broker about the same, whatever is in it. The wait is the broker's: a process that gathers
holds no record that it has not read, so nothing is lost when it is killed meanwhile.
"""

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
    """After a fetch that brought records the next one waits up to `gather_ms` for `enough_bytes`. After one that
    brought none it waits up to `idle_ms`: for the first record, or, if `first_waits` too, as the others do.

    While some records are not taken yet, the next fetch leaves out their partitions, which are read again only when it
    has returned. So it waits no longer than `beside_ms`.
    """

    idle_ms: int
    gather_ms: int
    enough_bytes: int
    beside_ms: int = 100
    first_waits: bool = False

    def next(self, *, brought: bool, untaken: bool) -> Wait:
        """The wait of the next fetch: whether the last one `brought` records, and some are still `untaken`."""
        if untaken:
            return Wait(AT_ONCE_BYTES, min(self.beside_ms, self.idle_ms))
        if self.gather_ms and (brought or self.first_waits):
            return Wait(self.enough_bytes, self.gather_ms)
        return Wait(AT_ONCE_BYTES, self.idle_ms)


def gather(consumer: Any, gathering: Gathering, is_read: Callable[[Any], bool] = lambda _: True) -> None:
    """Make a started consumer of aiokafka gather. aiokafka has one wait for all fetches, and reads it for each.

    `is_read(topic_partition)`: whether its records will be taken. A consumer may have partitions that nobody reads now.
    """
    fetcher = consumer._fetcher
    plan: Callable[[Any], Any] = fetcher._get_actions_per_node
    fetch: Callable[..., Awaitable[bool]] = fetcher._proc_fetch_request
    brought = False

    def planned(assignment: Any) -> Any:
        wait = gathering.next(brought=brought, untaken=any(map(is_read, fetcher._records)))
        fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = wait
        return plan(assignment)

    async def fetched(*args: Any) -> bool:
        nonlocal brought
        brought = await fetch(*args)
        return brought

    fetcher._get_actions_per_node, fetcher._proc_fetch_request = planned, fetched
