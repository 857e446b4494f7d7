"""The warehouse: ClickHouse's HTTP interface, with retries.

A request that fails temporarily (a broken connection, 503, a timeout, a full disk) is retried for as long as it takes.
For any other failure the sink stops. An insert is repeated with the same token, so that a repeat changes nothing.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self, TypeVar

import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError, DataError, ProgrammingError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_exponential_jitter

from sinks.clickhouse.refusals import ClickHouseRefused, NotTaken
from sinks.clickhouse.server import Server
from sinks.clickhouse.settings import SinkSettings

CONNECT_LIMIT_S = 10
ANSWER_LIMIT_S = 60
RETRY_FIRST_S = 0.2
RETRY_MAX_S = 15.0
RETRY_JITTER_S = 0.2

# One insert is one block, whatever its size within the sink's limits.
ROWS_PER_BLOCK_MAX = 1_048_576
BYTES_PER_BLOCK_MAX = 1 << 30

# Pinned, because the defaults differ between versions of ClickHouse and with some the token has no effect.
INSERT_SETTINGS: Mapping[str, int] = {
    "async_insert": 0,
    "max_threads": 1,  # one block needs no more, and each further thread costs as much as a small block
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_insert_block_size": ROWS_PER_BLOCK_MAX,
    "min_insert_block_size_rows": ROWS_PER_BLOCK_MAX,
    "min_insert_block_size_bytes": BYTES_PER_BLOCK_MAX,
}
# Newer versions only.
INSERT_SETTINGS_IF_KNOWN: Mapping[str, str] = {"deduplicate_insert": "enable"}

# ClickHouse's error codes for which a retry does not help.
LASTING_CODES = frozenset(
    {
        16,  # no such column in table
        36,  # bad arguments
        43,  # illegal type of argument
        46,  # unknown function
        47,  # unknown identifier
        53,  # type mismatch
        57,  # table already exists
        60,  # unknown table
        62,  # syntax error
        81,  # unknown database
        115,  # unknown setting
        164,  # readonly
        192,  # unknown user
        193,  # wrong password
        497,  # access denied
        516,  # authentication failed
    }
)
# Error codes for rows whose content ClickHouse rejects, every time. Our tables have no such rule, but somebody may have
# added a constraint or a materialised view.
CONTENT_CODES = frozenset(
    {
        6,  # cannot parse text
        26,  # cannot parse quoted string
        27,  # cannot parse input
        38,  # cannot parse date
        41,  # cannot parse datetime
        69,  # argument out of bound
        70,  # cannot convert type
        72,  # cannot parse number
        128,  # too large array size
        131,  # too large string size
        153,  # illegal division
        321,  # value is out of range of data type
        349,  # null in ordinary column
        395,  # throwIf
        407,  # decimal overflow
        469,  # violated constraint
        691,  # unknown element of enum
    }
)

Columns = Mapping[str, Sequence[Any]]
OnRetry = Callable[[], None]
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Warehouse:
    """A connection to one database, kept for the life of the process. Several tasks may insert at once."""

    def __init__(self, client: AsyncClient, server: Server, on_retry: OnRetry | None = None) -> None:
        self.client = client
        self._server = server
        self._on_retry = on_retry
        self._types: dict[tuple[str, ...], Sequence[Any]] = {}
        known = {k: v for k, v in INSERT_SETTINGS_IF_KNOWN.items() if k in client.server_settings}
        self._settings: dict[str, Any] = {**INSERT_SETTINGS, **known}

    @classmethod
    async def open(cls, settings: SinkSettings, on_retry: OnRetry | None = None) -> Self:
        """Connect, waiting for ClickHouse as long as it takes. The database is not touched.

        `on_retry` is called for every failed attempt of any request that will be retried.
        """
        server = settings.server
        _log.info("Waiting for ClickHouse at %s.", server)
        client = await _patiently("connect to ClickHouse", server, lambda: open_client(settings), on_retry)
        return cls(client, server, on_retry)

    async def insert(self, table: str, columns: Columns, token: str) -> None:
        """Insert the columns as one block, once: the token makes a repeat harmless. Raises NotTaken for their
        content."""

        async def insert() -> None:
            await self.client.insert(
                table,
                list(columns.values()),
                column_names=list(columns),
                column_types=await self._column_types(table, columns),
                column_oriented=True,
                settings={**self._settings, "insert_deduplication_token": token},
            )

        await self.patiently(f"insert {token}", insert)

    async def _column_types(self, table: str, columns: Columns) -> Sequence[Any]:
        key = (table, *columns)
        if key not in self._types:
            context = await self.client.create_insert_context(table, list(columns))
            self._types[key] = context.column_types
        return self._types[key]

    async def patiently(self, what: str, attempt: Callable[[], Awaitable[_T]]) -> _T:
        """The attempt's result, after as many tries as it takes. Raises ClickHouseRefused or NotTaken if it cannot
        succeed."""
        return await _patiently(what, self._server, attempt, self._on_retry)

    async def close(self) -> None:
        await self.client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def open_client(settings: SinkSettings) -> AsyncClient:
    """A client whose default database is the configured one, even if that does not exist yet."""
    client = await clickhouse_connect.get_async_client(
        **settings.clickhouse_options, connect_timeout=CONNECT_LIMIT_S, send_receive_timeout=ANSWER_LIMIT_S
    )
    client.database = settings.database
    return client


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, DataError | ProgrammingError):
        return False
    if isinstance(error, DatabaseError):
        return error.code not in LASTING_CODES | CONTENT_CODES
    return isinstance(error, TimeoutError)


async def _patiently(what: str, server: Server, attempt: Callable[[], Awaitable[_T]], on_retry: OnRetry | None) -> _T:
    what = f"{what} at {server}"

    async def once() -> _T:
        try:
            return await attempt()
        except DatabaseError as error:
            if fault := server.fault(error):
                raise ClickHouseRefused(fault) from error
            raise

    tries = AsyncRetrying(
        retry=retry_if_exception(_may_pass),
        wait=wait_exponential_jitter(multiplier=RETRY_FIRST_S, max=RETRY_MAX_S, jitter=RETRY_JITTER_S),
        before_sleep=_say(what, time.time(), on_retry),
        sleep=asyncio.sleep,
        reraise=True,
    )
    try:
        return await tries(once)
    except (DataError, UnicodeError) as error:
        raise NotTaken(what, f"a value does not fit its column ({type(error).__name__})") from None
    except DatabaseError as error:
        if error.code in CONTENT_CODES:
            # ClickHouse's text may hold values of the rows.
            raise NotTaken(what, f"ClickHouse refuses what is in it ({error.name}, code {error.code})") from None
        raise ClickHouseRefused(f"Cannot {what}: {error}") from error
    except ProgrammingError as error:
        raise ClickHouseRefused(f"Cannot {what}: {error}") from error


def _say(what: str, since: float, on_retry: OnRetry | None) -> Callable[[RetryCallState], None]:
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since))

    def say(state: RetryCallState) -> None:
        if on_retry is not None:
            on_retry()
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0.0
        _log.warning(
            "Cannot %s since %s (try %d): %s. Next try in %.1f s; facts go on meanwhile.",
            what,
            began,
            state.attempt_number,
            error,
            pause,
        )

    return say
