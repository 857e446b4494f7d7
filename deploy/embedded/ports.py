"""Free loopback ports for servers to which clients reconnect."""

import random
import socket
from collections.abc import Callable
from typing import TypeVar

from deploy.embedded.error import StackError

LOOPBACK = "127.0.0.1"
# Below the ephemeral range (from 32768 on Linux). A client that reconnects to a port of that range while the server is
# down may get the same port as its own, connect to itself, and keep the server from listening.
LOWEST, HIGHEST = 20_000, 32_767
TRIES = 200
START_TRIES = 5

Started = TypeVar("Started")


class PortTakenError(StackError):
    """A port is taken; `port` is the requested one, if there was one."""

    def __init__(self, sentence: str, port: int | None = None) -> None:
        super().__init__(sentence)
        self.port = port


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> tuple[int, ...]:
    """Different ports that are free now; another process may still take one before it is used."""
    picked = [port for port in random.sample(range(LOWEST, HIGHEST + 1), TRIES) if is_free(port)]
    if len(picked) < count:
        raise StackError(f"No free port between {LOWEST} and {HIGHEST}. End what listens there.")
    return tuple(picked[:count])


def on_free_ports(count: int, start: Callable[[tuple[int, ...]], Started]) -> Started:
    """Call `start` with free ports, and again with others if one was taken in the meantime."""
    for _ in range(START_TRIES - 1):
        try:
            return start(free_ports(count))
        except PortTakenError:
            continue
    return start(free_ports(count))


def on_port(port: int | None, others: int, start: Callable[[tuple[int, ...]], Started]) -> Started:
    """Call `start` with this port (a free one if None) and with `others` free ports.

    Raises a PortTakenError with this port if it is taken.
    """
    if port is None:
        return on_free_ports(1 + others, start)

    def start_here(free: tuple[int, ...]) -> Started:
        if not is_free(port):
            from deploy.embedded.listener import listener  # needs the extra `embedded`

            raise PortTakenError(f"Port {port} is taken by {listener(port)}.", port)
        return start((port, *free))

    return on_free_ports(others, start_here)
