"""The server of an endpoint. It has its own thread, so that it answers even if the worker's event loop hangs."""

import ipaddress
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from peserta.operations.failure import Unfit
from peserta.operations.health.endpoint import Probe, application
from peserta.operations.health.place import announced, url_of

CLIENT_SILENCE_LIMIT_S: Final = 5.0
END_LOOK_S: Final = 0.1  # longest wait for this thread when a worker ends

log = logging.getLogger(__name__)


class _Handler(WSGIRequestHandler):
    timeout = CLIENT_SILENCE_LIMIT_S

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: a probe comes every few seconds."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """As HTTPServer, but without looking up this machine's name in the network, which can take long."""
        TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


@contextmanager
def serving(probe: Probe, *, bind: str, port: int | None, data_dir: Path) -> Iterator[Callable[[], None]]:
    """Serve while inside the context, and announce the address in `data_dir`. Port 0 is any free one, None no endpoint.

    Yields a function that writes the address into the log, to be called once there is a log. Raises Failed if the
    address is taken or the folder cannot be written.
    """
    if port is None:
        yield lambda: log.info("health: no endpoint (PESERTA_HEALTH_PORT)")
        return
    with ExitStack() as closing:
        server = closing.enter_context(_listening(probe, bind, port))
        url = url_of(bind, server.server_port)
        _announce(closing, data_dir, probe.role, url)
        thread = threading.Thread(target=server.serve_forever, args=(END_LOOK_S,), name="health", daemon=True)
        thread.start()
        closing.callback(thread.join)
        closing.callback(server.shutdown)
        yield lambda: log.info("health: %s/readyz, /livez, /metrics", url)


def _listening(probe: Probe, bind: str, port: int) -> WSGIServer:
    kind = _Server6 if ipaddress.ip_address(bind).version == 6 else _Server
    try:
        server = kind((bind, port), _Handler)
    except OSError as error:
        raise Unfit(
            f"The health endpoint cannot listen on {bind}, port {port}: {error.strerror}. Set PESERTA_HEALTH_PORT to "
            "another port, or to 0 for a free one.",
        ) from error
    server.set_app(application(probe))
    return server


def _announce(closing: ExitStack, data_dir: Path, role: str, url: str) -> None:
    try:
        closing.enter_context(announced(data_dir, role, url))
    except OSError as error:
        raise Unfit(
            f"The address of the health endpoint cannot be written down: {error}. PESERTA_DATA_DIR must be a folder "
            "that this process may write.",
        ) from error
