"""Publishing the views of one database in another, so that analysts use one name for the current generation.

Each view is replaced atomically, one after the other. Repeating this changes nothing.
"""

from clickhouse_connect.driver.asyncclient import AsyncClient

from sinks.clickhouse.migrations import checked, fill, make_database

# ClickHouse keeps a view's SELECT with the database of each table in it.
_VIEWS = """
SELECT name, as_select FROM system.tables
WHERE database = {database:String} AND engine = 'View' ORDER BY name
"""


async def publish_views(client: AsyncClient, published_in: str, *, cluster: str | None = None) -> tuple[str, ...]:
    """Create every view of the client's default database in `published_in`, over the same tables; returns the names."""
    await make_database(client, published_in, cluster)
    made = await views(client, client.database or "")
    for name, select in made.items():
        head = fill(f"CREATE OR REPLACE VIEW {checked(published_in)}.{checked(name)} ${{on_cluster}} AS ", cluster)
        await client.command(head + select)
    return tuple(made)


async def views(client: AsyncClient, database: str) -> dict[str, str]:
    """View -> its SELECT, in one database. A view that `publish_views` created has exactly the same SELECT."""
    found = await client.query(_VIEWS, parameters={"database": database})
    return {str(name): str(select) for name, select in found.result_rows}
