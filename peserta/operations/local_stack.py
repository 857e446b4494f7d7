"""The Kafka and ClickHouse of a data directory. One command at a time uses them, on ports that stay the same."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from deploy.embedded.error import StackError
from deploy.embedded.ports import PortTakenError, is_free
from deploy.embedded.stack import Stack, Terminal
from peserta.operations.failure import Rejected
from peserta.operations.occupied import LOCK_NAME, occupied
from peserta.operations.remembered import Remembered, recall, remember
from peserta.settings import PREFIX, Settings, read_settings

STACK_FOLDER: Final = "stack"
LOGS_FOLDER: Final = "logs"
# The default ports of Kafka and of ClickHouse's HTTP interface.
KAFKA_PORT: Final = 9092
CLICKHOUSE_PORT: Final = 8123

Say = Callable[[str], None]


class NotNew(Rejected):
    """A folder that must be new is not empty."""


def check_new(folder: Path) -> None:
    """Raises NotNew if `folder` is a file, or contains anything but a lock file."""
    if folder.exists() and (not folder.is_dir() or {path.name for path in folder.iterdir()} - {LOCK_NAME}):
        raise NotNew(f"{folder} is there already, and not empty. Name a new folder.")


@dataclass(frozen=True)
class LocalStack:
    """The running stack: its processes, the settings with its addresses, and the lock, which workers inherit."""

    stack: Stack
    settings: Settings
    lock: int


@dataclass(frozen=True)
class Port:
    """The port of a part, and its origin. `number` is None for any free port."""

    name: str
    number: int | None
    remembered: bool = False
    missed: int | None = None  # the usual port, if it is taken

    @property
    def part(self) -> str:
        """The name of the part that listens on the port."""
        return "Kafka" if self.name == "kafka" else "ClickHouse"

    @property
    def variable(self) -> str:
        """The setting that configures the port."""
        return f"{PREFIX}{self.name.upper()}_PORT"


def wanted_port(name: str, named: int | None, last: int | None, usual: int) -> Port:
    """The port of a part: the configured one (0: any free one), else the last, else the usual one if free now."""
    if named is not None:
        return Port(name, named or None)
    if last is not None:
        return Port(name, last, remembered=True)
    return Port(name, usual) if is_free(usual) else Port(name, None, missed=usual)


@contextmanager
def local_stack(
    configured: Settings,
    command: str,
    *,
    terminal: Terminal,
    say: Say,
    stopping: threading.Event | None = None,
    fixed_ports: bool = True,
    must_be_new: bool = False,
) -> Iterator[LocalStack]:
    """Lock the data directory, and run in it whatever is not configured elsewhere, while inside the context.

    `terminal` shows a download of Kafka; `say` gets other messages. Without `fixed_ports` any free ports are used, and
    none is remembered. Raises Occupied before anything in the directory is touched, NotNew if `must_be_new` is set and
    the directory is not empty, and StackError if a port is taken; its message names the port and says what to do.
    """
    folder = configured.data_dir
    kafka, clickhouse = not configured.kafka, not configured.clickhouse_url
    with occupied(
        folder, command, on_wait=lambda holder: say(_left_running(holder.command)), stopping=stopping
    ) as lock:
        if must_be_new:
            check_new(folder)  # Another command may have used the folder between the caller's check and the lock.
        last = recall(folder)
        ports = _ports(configured, last) if fixed_ports else (Port("kafka", None), Port("clickhouse", None))
        with _stack(folder, ports, (kafka, clickhouse), terminal, lock, stopping) as stack:
            addresses = {
                **({"kafka": stack.kafka_address} if kafka else {}),
                **({"clickhouse_url": stack.clickhouse_url} if clickhouse else {}),
            }
            if fixed_ports:
                _tell_missed(ports, (kafka, clickhouse), say)
                remember(folder, _with_ports(last, stack, kafka, clickhouse))
            yield LocalStack(stack, settings_with(configured, addresses), lock)


def settings_with(configured: Settings, addresses: dict[str, str]) -> Settings:
    """The same settings with these addresses; settings that were not set stay marked as unset."""
    said = {name: getattr(configured, name) for name in configured.model_fields_set}
    return read_settings(**{**said, **addresses})


def _left_running(command: str) -> str:
    return f"The last `{command}` here was killed; waiting until what it had started has ended."


def _tell_missed(ports: tuple[Port, Port], parts: tuple[bool, bool], say: Say) -> None:
    for port, is_started in zip(ports, parts, strict=True):
        if is_started and port.missed is not None:
            say(f"The usual port {port.missed} is taken: {port.part} has another one here, from now on.")


def _ports(configured: Settings, last: Remembered) -> tuple[Port, Port]:
    return (
        wanted_port("kafka", configured.kafka_port, last.kafka_port, KAFKA_PORT),
        wanted_port("clickhouse", configured.clickhouse_port, last.clickhouse_port, CLICKHOUSE_PORT),
    )


def _stack(
    folder: Path,
    ports: tuple[Port, Port],
    parts: tuple[bool, bool],
    terminal: Terminal,
    lock: int,
    stopping: threading.Event | None,
) -> Stack:
    try:
        return Stack(
            folder / STACK_FOLDER,
            kafka=parts[0],
            clickhouse=parts[1],
            kafka_port=ports[0].number,
            clickhouse_port=ports[1].number,
            console=terminal,
            keep=(lock,),
            stopping=stopping,
        )
    except PortTakenError as error:
        port = next((port for port in ports if port.number is not None and port.number == error.port), None)
        if port is None:
            raise
        raise StackError(f"{error} {_way_out(port)}") from error


def _way_out(port: Port) -> str:
    why = f"This data directory's {port.part} had it last time, and clients know it. " if port.remembered else ""
    return f"{why}End what listens there, or give {port.part} another port: {port.variable}=NUMBER (0: any free one)."


def _with_ports(last: Remembered, stack: Stack, kafka: bool, clickhouse: bool) -> Remembered:
    if kafka:
        last = replace(last, kafka_port=stack.kafka.cluster.nodes[0].port)
    if clickhouse:
        last = replace(last, clickhouse_port=stack.clickhouse.port)
    return last
