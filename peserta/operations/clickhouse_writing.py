"""A connection to ClickHouse that may change it. Its client needs aiohttp, which no reader has to wait for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clickhouse_connect.driver.asyncclient import AsyncClient

from peserta.operations.clickhouse_reading import clickhouse_errors
from peserta.settings import Settings
from sinks.clickhouse.warehouse import open_client


@asynccontextmanager
async def writing(settings: Settings) -> AsyncIterator[AsyncClient]:
    """A connection that may write, to the database of the settings' generation; Failed like `analyst`."""
    with clickhouse_errors(settings):
        client = await open_client(settings.sink_settings())
        try:
            yield client
        finally:
            await client.close()
