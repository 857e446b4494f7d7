"""Rate limits: counts of requests by key, and of failed authentications by address."""

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from peserta.api.limits import Limits
from peserta.api.problems import Problem

MINUTE_S: Final = 60
NETWORK_BITS: Final = 64  # length of an IPv6 network; the owner of one address has the whole network
RETRY_S: Final = 1


class Window:
    """Counts by name within the current minute. It forgets all names each minute, and the oldest above `names`."""

    def __init__(self, most: int, names: int, now_s: Callable[[], float]) -> None:
        self._most, self._names, self._now_s = most, names, now_s
        self._minute = 0
        self._counts: OrderedDict[str, int] = OrderedDict()

    def add(self, name: str) -> int | None:
        """Count one event. None if it is within the limit, else the seconds until the next minute."""
        minute, second = divmod(int(self._now_s()), MINUTE_S)
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        count = self._counts.pop(name, 0) + 1
        self._counts[name] = count
        if len(self._counts) > self._names:
            self._counts.popitem(last=False)
        return None if count <= self._most else MINUTE_S - second


class Allowances:
    """The use of their limits by each key and each address in this process."""

    def __init__(self, limits: Limits, now_s: Callable[[], float]) -> None:
        self._limits = limits
        self._requests = Window(limits.requests_per_minute, limits.addresses, now_s)
        self._failures = Window(limits.failures_per_minute, limits.addresses, now_s)
        self._at_once: Counter[str] = Counter()

    def failure_from(self, address: str) -> None:
        """Count a failed authentication. Raises Problem `too-many` after too many from this network in a minute.

        A valid key is never refused because of others at its address.
        """
        wait_s = self._failures.add(network_of(address))
        if wait_s is not None:
            raise Problem("too-many", "Too many requests without a valid key came from here.", retry_after_s=wait_s)

    @contextmanager
    def request_of(self, key_id: str) -> Iterator[None]:
        """Count a request of this key while inside the context. Raises Problem `too-many` above the key's limits."""
        wait_s = self._requests.add(key_id)
        if wait_s is not None:
            most = self._limits.requests_per_minute
            raise Problem("too-many", f"A key may make {most} requests a minute here.", retry_after_s=wait_s)
        if self._at_once[key_id] >= self._limits.requests_at_once:
            most = self._limits.requests_at_once
            raise Problem("too-many", f"A key may make {most} requests at once here.", retry_after_s=RETRY_S)
        self._at_once[key_id] += 1
        try:
            yield
        finally:
            self._at_once[key_id] -= 1
            if not self._at_once[key_id]:
                del self._at_once[key_id]


def network_of(address: str) -> str:
    """The address by which failures are counted; for IPv6 its network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))
    return str(found)
