"""Asking ClickHouse as an analyst does: read only, by the views of SEMANTICS 9."""

from collections.abc import Iterator
from contextlib import contextmanager

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from urllib3.exceptions import HTTPError

from deploy.failure import CommandFailed, ExitCode
from deploy.settings import Settings
from sinks.clickhouse.faults import Refused

CONNECT_LIMIT_S = 5
ANSWER_LIMIT_S = 120
WORDS_OF_AN_ERROR_MAX = 60
NO_DATABASE_CODE = 81


@contextmanager
def analyst(settings: Settings, database: str = "") -> Iterator[Client]:
    """A read-only connection to the book's database, where analysts find what stands, or to another; CommandFailed
    says why there is none or what a query lacks."""
    if not settings.clickhouse_url:
        raise CommandFailed(
            "No ClickHouse is configured and no stack runs: start one (`peserta up`), or set PESERTA_CLICKHOUSE_URL.",
            ExitCode.UNAVAILABLE,
        )
    with telling(settings):
        client = clickhouse_connect.get_client(
            dsn=settings.clickhouse_url,
            database=database or settings.clickhouse_database,
            connect_timeout=CONNECT_LIMIT_S,
            send_receive_timeout=ANSWER_LIMIT_S,
            tz_mode="aware",
            settings={"readonly": 2},
        )
        try:
            yield client
        finally:
            client.close()


@contextmanager
def telling(settings: Settings) -> Iterator[None]:
    """Errors of ClickHouse inside are a CommandFailed."""
    try:
        yield
    except (OperationalError, HTTPError, TimeoutError) as error:
        raise CommandFailed(
            f"ClickHouse does not answer: {_short(error)}. Is it running where PESERTA_CLICKHOUSE_URL says?",
            ExitCode.UNAVAILABLE,
        ) from error
    except ClickHouseError as error:
        if getattr(error, "code", None) == NO_DATABASE_CODE:
            raise CommandFailed(
                f"ClickHouse has no database {settings.clickhouse_database} yet: the sink makes it when it starts. "
                "Does one run (`peserta worker sink`), with the same PESERTA_CLICKHOUSE_DATABASE?",
                ExitCode.UNAVAILABLE,
            ) from error
        raise CommandFailed(f"ClickHouse refuses: {_short(error)}") from error
    except Refused as error:
        raise CommandFailed(str(error), ExitCode.WRONG_SETTINGS) from error


def _short(error: Exception) -> str:
    words = str(error).split()
    return " ".join(words[:WORDS_OF_AN_ERROR_MAX]) + (" ..." if len(words) > WORDS_OF_AN_ERROR_MAX else "")
