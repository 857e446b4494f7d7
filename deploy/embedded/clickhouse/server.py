"""The ClickHouse process seen from its parent: starting, waiting, killing, and restarting on its port and data."""

import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_fixed,
)

from deploy.embedded.error import StackError, StartStopped
from deploy.embedded.ports import LOOPBACK, PortTakenError, on_port
from deploy.embedded.process import Process

READY_LIMIT_S = 60
READY_RETRY_S = 0.05
PING_LIMIT_S = 5
STOP_LIMIT_S = 20.0
PORT_TAKEN = "Address already in use"
PROGRAM = "deploy.embedded.clickhouse"


class ClickHouse:
    """One engine on one folder. Its port stays the same until it is closed; its data outlives it."""

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        program: str = PROGRAM,
        keep: Sequence[int] = (),
        stopping: threading.Event | None = None,
    ) -> None:
        """Describe a server without starting it; `ClickHouse.launch` is the usual way."""
        self.folder = folder
        self.port = port
        self._program = program
        self._keep, self._stopping = keep, stopping or threading.Event()
        self.process: Process | None = None

    @classmethod
    def launch(
        cls,
        folder: Path,
        *,
        port: int | None = None,
        program: str = PROGRAM,
        keep: Sequence[int] = (),
        stopping: threading.Event | None = None,
    ) -> "ClickHouse":
        """Start a server on `port` (None: a free one) with its data in `folder`, which is created if missing. Wait
        until it answers, or until `stopping` is set.

        `program` is the module to run; tests use the one with fault points. `keep`: see Process. Raises StackError,
        PortTakenError.
        """

        def launch(ports: tuple[int, ...]) -> "ClickHouse":
            server = cls(folder, *ports, program=program, keep=keep, stopping=stopping)
            server.start()
            return server

        return on_port(port, 0, launch)

    @property
    def url(self) -> str:
        """The address of the HTTP interface: `http://127.0.0.1:PORT`."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Start the process unless it is running, and wait until it answers. Raises StackError."""
        if self.process is not None and self.process.poll() is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        asked = ["--path", str(self.folder / "data"), "--port", str(self.port)]
        self.process = Process.start(
            "ClickHouse",
            [sys.executable, "-m", self._program, *asked],
            log=self.folder / "clickhouse.log",
            keep=self._keep,
        )
        try:
            self._wait_until_ready(self.process)
        except BaseException:
            self.process.stop(STOP_LIMIT_S)
            raise

    def _wait_until_ready(self, process: Process) -> None:
        pinging = Retrying(
            retry=retry_if_exception_type((OSError, HTTPException)),
            wait=wait_fixed(READY_RETRY_S),
            stop=stop_any(stop_after_delay(READY_LIMIT_S), stop_when_event_set(self._stopping)),
            reraise=True,
        )
        try:
            pinging(self._ping, process)
        except (OSError, HTTPException) as error:
            if self._stopping.is_set():
                raise StartStopped("ClickHouse was stopped while it started.") from error
            raise StackError(
                f"ClickHouse does not answer at {self.url} after {READY_LIMIT_S} s ({error}). Its log: {process.log}"
            ) from error

    def _ping(self, process: Process) -> None:
        if (code := process.poll()) is not None:
            kind = PortTakenError if PORT_TAKEN in process.log_tail() else StackError
            raise kind(
                f"ClickHouse ended with {code} while starting. Its last words: {process.last_words()}\n"
                f"Its log: {process.log}"
            )
        # Not urlopen: it would use a proxy from the environment.
        with closing(HTTPConnection(LOOPBACK, self.port, timeout=PING_LIMIT_S)) as connection:
            connection.request("GET", "/ping")
            connection.getresponse().read()

    def kill(self) -> None:
        """`kill -9` of the server."""
        if self.process is not None:
            self.process.kill()

    def stop(self) -> None:
        """Stop the server gracefully; does nothing if it is not running."""
        if self.process is not None:
            self.process.stop(STOP_LIMIT_S)
