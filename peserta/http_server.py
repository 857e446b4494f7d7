"""The process that speaks HTTP: the parts of an installation put together, and served until a signal."""

import asyncio
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from peserta.api.app import Parts, make_app
from peserta.intake.door import Door
from peserta.intake.fact_log import KafkaFactLog, NotAcknowledged, topics_of_kinds
from peserta.operations.alert_feed import AlertFeed, follow_alert_feed
from peserta.operations.company_pages import BookCompanies
from peserta.operations.fact_reading import BookFates
from peserta.operations.failure import Unavailable, Unfit
from peserta.operations.handling import KafkaHandlingWriter
from peserta.operations.health.endpoint import worker_registry
from peserta.operations.health.place import announced, url_of
from peserta.operations.keys_known import KnownKeys, follow_keys
from peserta.operations.opened import as_opened, opened_with
from peserta.operations.question_reading import BookAnswers
from peserta.operations.statement import BookStatements
from peserta.settings import Settings
from schemas.kafka.ending import end
from streams.clock import now_ms
from streams.settings import REPLAY

ROLE: Final = "api"
PORT: Final = 8080  # where none is set
BACKLOG: Final = 512  # connections that wait to be accepted
CONNECTIONS_MAX: Final = 1_000  # beyond it the server answers 503 by itself
KEEP_ALIVE_S: Final = 30
STOP_LIMIT_S: Final = 30  # for what was taken to be finished; above the wait for an acknowledgement
BROKER_WAIT_S: Final = 60.0
RETRY_S: Final = 1.0

log = logging.getLogger(__name__)


def serve(settings: Settings, *, say: Callable[[str], None]) -> None:
    """Answer requests until SIGTERM or SIGINT; then finish those that were taken. `say` is told the address, once.

    Unavailable without a broker for BROKER_WAIT_S, Unfit for a port that is taken or a book that was opened otherwise.
    """
    # Until the server takes the signals; and afterwards, for it stops in order and then raises the signal again.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    book = asyncio.run(_as_opened(settings))
    with listening(book) as own:
        url = url_of(str(book.api_bind), own.getsockname()[1])
        with ExitStack() as closing:
            try:
                closing.enter_context(announced(book.data_dir, ROLE, url))
            except OSError as error:
                raise Unfit(
                    f"The address of the HTTP door cannot be written down: {error}. PESERTA_DATA_DIR must be a folder "
                    "that this process may write.",
                ) from error
            say(url)
            app = application(book)
            _Server(configuration(app), app.state.streams.end).run(sockets=[own])


class _Server(uvicorn.Server):
    """Calls `end` when it begins to stop: a stream has no end of its own for which the server could wait."""

    def __init__(self, config: uvicorn.Config, end: Callable[[], None]) -> None:
        super().__init__(config)
        self._end = end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        self._end()
        await super().shutdown(sockets)


def application(settings: Settings) -> Starlette:
    """The application on the Kafka and the ClickHouse of an installation."""
    known, facts = KnownKeys(), KafkaFactLog(settings)
    door = Door(now_ms, settings.clock == REPLAY, allow_future=False, kinds=tuple(topics_of_kinds(settings)))
    feed = AlertFeed()
    parts = Parts(
        door=door,
        log=facts,
        fates=BookFates(settings),
        companies=BookCompanies(settings),
        answers=BookAnswers(settings),
        statements=BookStatements(settings),
        alerts=feed,
        handling=KafkaHandlingWriter(settings),
        keys=known,
        now=now_ms,
        registry=worker_registry(),
    )

    @asynccontextmanager
    async def living(_app: ASGIApp) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(each)
            for each in (follow_keys(settings, known), follow_alert_feed(settings, feed), _connect(facts))
        ]
        for task in tasks:
            task.add_done_callback(_say_why_ended)
        yield
        await end(*tasks)
        await facts.stop()

    return make_app(parts, living)


def configuration(app: ASGIApp) -> uvicorn.Config:
    """How the application is served. No request is logged: a path has an event_id in it."""
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_LIMIT_S,
    )


def listening(settings: Settings) -> socket.socket:
    """A socket on the port of the settings, or on another where none is set and the usual one is taken."""
    host, port = str(settings.api_bind), settings.api_port
    if port is not None:
        return _socket(host, port)
    try:
        return _socket(host, PORT)
    except Unfit:
        return _socket(host, 0)


def _socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    # asyncio turns Nagle's algorithm off for a socket that says TCP, which `socket.create_server` leaves out: a small
    # answer would wait for the acknowledgement of its own headers, 40 ms on Linux.
    own = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind((host, port))
        own.listen(BACKLOG)
        return own
    except OSError as error:
        own.close()
        raise Unfit(
            f"The HTTP door cannot listen on {host}, port {port}: {error.strerror}. Set PESERTA_API_PORT to another "
            "port, or to 0 for a free one.",
        ) from error


def _say_why_ended(task: "asyncio.Task[None]") -> None:
    """Log an unexpected error of a task, which would otherwise end without a word while the door goes on."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("A part of the HTTP door has ended and needs a restart of it", exc_info=error)


async def _connect(facts: KafkaFactLog) -> None:
    """So that the first request need not wait. Without a broker that request says so."""
    try:
        await facts.start()
    except NotAcknowledged as error:
        log.warning("%s", error)


async def _as_opened(settings: Settings) -> Settings:
    """The settings as the book was opened: a door that judged by another clock would take what is refused later."""
    looks = AsyncRetrying(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_fixed(RETRY_S),
        stop=stop_after_delay(BROKER_WAIT_S),
        reraise=True,
    )
    return as_opened(settings, await looks(opened_with, settings))
