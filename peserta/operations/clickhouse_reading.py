"""Asking ClickHouse as an analyst does: read only, by the views of SEMANTICS 9."""

from collections.abc import Iterator
from contextlib import contextmanager

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from urllib3.exceptions import HTTPError

from peserta.operations.failure import Rejected, Unavailable, Unfit
from peserta.settings import Settings
from sinks.clickhouse.migrations import views
from sinks.clickhouse.refusals import Refused

CONNECT_LIMIT_S = 5
ANSWER_LIMIT_S = 120
WORDS_OF_AN_ERROR_MAX = 60
NO_DATABASE_CODE = 81
NO_TABLE_CODE = 60
MEMORY_CODE = 241


@contextmanager
def analyst(settings: Settings, database: str = "", limit_s: int = ANSWER_LIMIT_S) -> Iterator[Client]:
    """A read-only connection to the book's database, where analysts find what stands, or to another; Failed
    says why there is none or what a query lacks. No query takes longer than `limit_s` seconds."""
    if not settings.clickhouse_url:
        raise Unavailable(
            "No ClickHouse is configured and no stack runs: start one (`peserta up`), or set PESERTA_CLICKHOUSE_URL.",
        )
    with clickhouse_errors(settings):
        client = clickhouse_connect.get_client(
            **settings.sink_settings().clickhouse_options,
            database=database or settings.clickhouse_database,
            connect_timeout=CONNECT_LIMIT_S,
            send_receive_timeout=limit_s,
            tz_mode="aware",
            settings={"readonly": 2, "max_execution_time": limit_s},
        )
        try:
            yield client
        except ClickHouseError as error:
            if getattr(error, "code", None) == NO_TABLE_CODE and not _has_all_views(client):
                raise Unavailable(
                    f"The database {client.database} does not have all its views yet: the sink makes them when it "
                    "starts. Try again in a moment. Does one run (`peserta worker sink`)?",
                ) from error
            raise
        finally:
            client.close()


def _has_all_views(client: Client) -> bool:
    """Whether the sink has made every view that analysts can ask for."""
    query = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    return set(views()) <= {name for (name,) in client.query(query).result_rows}


@contextmanager
def clickhouse_errors(settings: Settings) -> Iterator[None]:
    """Errors of ClickHouse inside are a Failed."""
    try:
        yield
    except (OperationalError, HTTPError, TimeoutError) as error:
        if fault := settings.sink_settings().server.fault(error):
            raise Unfit(fault) from error
        raise Unavailable(
            f"ClickHouse does not answer: {_short(error)}. Is it running where PESERTA_CLICKHOUSE_URL says?",
        ) from error
    except ClickHouseError as error:
        if getattr(error, "code", None) == NO_DATABASE_CODE:
            raise Unavailable(
                f"ClickHouse has no database {settings.clickhouse_database} yet: the sink makes it when it starts. "
                "Does one run (`peserta worker sink`), with the same PESERTA_CLICKHOUSE_DATABASE?",
            ) from error
        if getattr(error, "code", None) == MEMORY_CODE:
            raise Rejected(
                f"ClickHouse has not enough memory for all of this: {_short(error)}. Ask for less: one company at a "
                "time if the question has `company`, or a shorter period."
            ) from error
        raise Rejected(f"ClickHouse refuses: {_short(error)}") from error
    except Refused as error:
        raise Unfit(str(error)) from error


def _short(error: Exception) -> str:
    words = str(error).split()
    return " ".join(words[:WORDS_OF_AN_ERROR_MAX]) + (" ..." if len(words) > WORDS_OF_AN_ERROR_MAX else "")
