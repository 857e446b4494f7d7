"""How the process listens and serves. `serve` takes what composes the application around the engine."""

import argparse
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from deploy.embedded.clickhouse.engine import Engine
from deploy.embedded.clickhouse.interface import Interface
from deploy.embedded.clickhouse.query import EngineError
from deploy.embedded.ports import LOOPBACK

BACKLOG = 128
KEEP_ALIVE_S = 30
STOP_LIMIT_S = 5

EXIT_REFUSED = 78


def listen(port: int) -> socket.socket:
    """The listening socket, on the loopback address only. Raises OSError when the port is taken."""
    # With an explicit protocol: only then does asyncio send small answers at once and not after 40 ms.
    own = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.bind((LOOPBACK, port))
    own.listen(BACKLOG)
    return own


def configuration(app: ASGIApp, http: type | str = "h11") -> uvicorn.Config:
    """How the application is served; `http` is uvicorn's protocol."""
    return uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_LIMIT_S,
    )


def plain(engine: Engine) -> uvicorn.Config:
    """The interface directly on the engine."""
    return configuration(Interface(engine.execute, version=engine.version, timezone=engine.timezone).app())


def serve(config_of: Callable[[Engine], uvicorn.Config]) -> int:
    """Run the server with the command line's arguments until it is stopped; returns its exit code."""
    parser = argparse.ArgumentParser(description="ClickHouse's engine behind its HTTP interface, loopback only.")
    parser.add_argument("--path", type=Path, required=True, help="the folder of the data")
    parser.add_argument("--port", type=int, required=True, help="the port to listen on")
    asked = parser.parse_args()
    try:
        own = listen(asked.port)
        engine = Engine(asked.path)
    except (OSError, EngineError) as error:
        sys.stderr.write(f"ClickHouse cannot run on {asked.path} and port {asked.port}: {error}\n")
        return EXIT_REFUSED
    # On SIGTERM the server stops gracefully and then raises the signal again, before the engine is closed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        uvicorn.Server(config_of(engine)).run(sockets=[own])
    finally:
        engine.close()
    return 0
