"""The ClickHouse process as its parent sees it: started, awaited, killed, started again on its port and data."""

import sys
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from deploy.embedded.error import StackError
from deploy.embedded.ports import LOOPBACK, PortTakenError, on_free_ports
from deploy.embedded.process import Process

READY_LIMIT_S = 60
READY_RETRY_S = 0.05
PING_LIMIT_S = 5
STOP_LIMIT_S = 20.0
PORT_TAKEN = "Address already in use"
PROGRAM = "deploy.embedded.clickhouse"


class ClickHouse:
    """One engine on one folder. Its port stays the same until it is closed, its data for longer."""

    def __init__(self, folder: Path, port: int, *, program: str = PROGRAM) -> None:
        """Describe a server without starting it; `ClickHouse.launch` is the usual way."""
        self.folder = folder
        self.port = port
        self._program = program
        self.process: Process | None = None

    @classmethod
    def launch(cls, folder: Path, *, program: str = PROGRAM) -> "ClickHouse":
        """Start a server on a free port with its data in `folder` (made when new); wait until it answers.

        `program` is the module that is run: tests name the one with fault points. Raises StackError.
        """

        def launch(ports: tuple[int, ...]) -> "ClickHouse":
            server = cls(folder, *ports, program=program)
            server.start()
            return server

        return on_free_ports(1, launch)

    @property
    def url(self) -> str:
        """Where the HTTP interface is: `http://127.0.0.1:PORT`."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Start the process, if it does not run, and wait until it answers. Raises StackError."""
        if self.process is not None and self.process.poll() is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        asked = ["--path", str(self.folder / "data"), "--port", str(self.port)]
        self.process = Process.start(
            "ClickHouse", [sys.executable, "-m", self._program, *asked], log=self.folder / "clickhouse.log"
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
            stop=stop_after_delay(READY_LIMIT_S),
            reraise=True,
        )
        try:
            pinging(self._ping, process)
        except (OSError, HTTPException) as error:
            raise StackError(
                f"ClickHouse does not answer at {self.url} after {READY_LIMIT_S} s ({error}). "
                f"The end of {process.log}:\n{process.log_tail()}"
            ) from error

    def _ping(self, process: Process) -> None:
        if (code := process.poll()) is not None:
            tail = process.log_tail()
            kind = PortTakenError if PORT_TAKEN in tail else StackError
            raise kind(f"ClickHouse ended with {code} while starting. The end of {process.log}:\n{tail}")
        # Not urlopen: it would ask a proxy that the environment names for the outside world.
        with closing(HTTPConnection(LOOPBACK, self.port, timeout=PING_LIMIT_S)) as connection:
            connection.request("GET", "/ping")
            connection.getresponse().read()

    def kill(self) -> None:
        """`kill -9` of the server."""
        if self.process is not None:
            self.process.kill()

    def stop(self) -> None:
        """Stop the server in order; nothing happens if it does not run."""
        if self.process is not None:
            self.process.stop(STOP_LIMIT_S)
