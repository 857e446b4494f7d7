"""`peserta api`: the HTTP door for other systems in this process."""

import logging
import sys
from typing import Annotated, Final

import typer

from peserta.cli.screen import err
from peserta.http_server import serve
from peserta.operations.discovery import find_installation, with_kafka
from peserta.settings import PORT_MAX

LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def api(
    host: Annotated[
        str | None, typer.Option(help="The address to listen on: PESERTA_API_BIND, else 127.0.0.1.", metavar="ADDRESS")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=PORT_MAX, help="The port: PESERTA_API_PORT, else 8080; 0 is a free one."),
    ] = None,
) -> None:
    """Serve the HTTP door for other systems in this process, until SIGTERM: facts in, and what became of them.

    Several of these processes can run side by side, each on a port of its own. Keys travel as they are: beyond this
    machine, put a proxy with TLS before it.

    Example: peserta api --port 8080
    """
    logging.basicConfig(stream=sys.stderr, format=LOG_FORMAT, level=logging.WARNING)
    settings = with_kafka(find_installation(api_bind=host, api_port=port))
    if not settings.api_bind.is_loopback:
        err.print(f"The door listens on {settings.api_bind} without TLS: let only a proxy with TLS reach it.")
    serve(settings, say=lambda url: err.print(f"HTTP door {url} · its calls: {url}/docs"))
