"""Publishing the views of one database in another, so that analysts use one name for the current generation.

Each view is replaced atomically, one after the other. Repeating this changes nothing.
"""

from clickhouse_connect.driver.asyncclient import AsyncClient

from sinks.clickhouse.migrations import make_database
from sinks.clickhouse.view_comments import found_views, statement_of


async def publish_views(client: AsyncClient, published_in: str, *, cluster: str | None = None) -> tuple[str, ...]:
    """Create every view of the client's default database in `published_in`, over the same tables; returns the names."""
    await make_database(client, published_in, cluster)
    found = await found_views(client, client.database or "")
    for view in found:
        await client.command(statement_of(view, published_in, cluster))
    return tuple(view.name for view in found)


async def views(client: AsyncClient, database: str) -> dict[str, str]:
    """View -> its SELECT, in one database. A view that `publish_views` created has exactly the same SELECT."""
    return {view.name: view.select for view in await found_views(client, database)}
