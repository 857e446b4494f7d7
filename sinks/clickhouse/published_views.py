"""Publishing the views of one database in others, which readers know by name whatever generation of a book is current.

Two databases show the current generation. Its own name has every view as it is. Beside it is the database of analysts
(`analysts_of`), which has views only, without what is personal (`HIDDEN`, `PERSONAL`). Its views read the tables with
the rights of the user who made them, so whoever may read them needs no right to a table.

Each view is replaced atomically, one after the other. Repeating this changes nothing, and leaves a view that is already
the same as it is: to replace them all takes ClickHouse a third of a second at each start of a sink.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sinks.clickhouse.migrations import make_database
from sinks.clickhouse.view_columns import VIEWS
from sinks.clickhouse.view_comments import FoundView, found_views, statement_of

if TYPE_CHECKING:  # commands that only ask for names do without its HTTP client
    from clickhouse_connect.driver.asyncclient import AsyncClient

# Columns that the analysts' views lack: tokens of workers, and what people wrote.
HIDDEN: Final[Mapping[str, frozenset[str]]] = {
    "journal": frozenset({"worker_id"}),
    "alert_handling": frozenset({"note"}),
}
# Views that have nothing else, which the analysts' database lacks as a whole.
PERSONAL: Final = frozenset({"fact_workers"})
_OF_THE_MAKER: Final = "DEFINER = CURRENT_USER SQL SECURITY DEFINER"
_SOMEBODYS: Final = " SQL SECURITY "


def analysts_of(database: str) -> str:
    """The name of the database of analysts beside the one in which readers find a book."""
    return f"{database}_analysts"


async def publish_views(client: "AsyncClient", published_in: str, *, cluster: str | None = None) -> tuple[str, ...]:
    """Create every view of the client's default database in `published_in`, over the same tables; returns the names.

    The analysts' database beside `published_in` follows.
    """
    await make_database(client, published_in, cluster)
    found = await found_views(client, client.database or "")
    await _publish(client, found, published_in, cluster)
    await publish_for_analysts(client, published_in, cluster=cluster)
    return tuple(view.name for view in found)


async def publish_for_analysts(client: "AsyncClient", published_in: str, *, cluster: str | None = None) -> None:
    """Create the views of the client's default database in the analysts' database beside `published_in`.

    Views that somebody else made are left out: what they show is not known here.
    """
    database = analysts_of(published_in)
    await make_database(client, database, cluster)
    found = await found_views(client, client.database or "")
    shown = [_shown(view) for view in found if view.name in VIEWS and view.name not in PERSONAL]
    await _publish(client, shown, database, cluster, security=_OF_THE_MAKER)


async def _publish(
    client: "AsyncClient", views: Sequence[FoundView], database: str, cluster: str | None, *, security: str = ""
) -> None:
    there: dict[str, FoundView] = {}
    rights = _SOMEBODYS
    if cluster is None:  # on a cluster one node says nothing of the others
        there = {view.name: view for view in await found_views(client, database)}
        rights = f" DEFINER = {await client.command('SELECT currentUser()')}{_SOMEBODYS}DEFINER "
    for view in views:
        if not is_there(view, there.get(view.name), rights if security else ""):
            await client.command(statement_of(view, database, cluster, security=security))


def is_there(view: FoundView, there: FoundView | None, rights: str) -> bool:
    """Whether a published view is this one, with its comments and with these rights, in ClickHouse's words.

    Without any it has the rights of whoever asks.
    """
    if there is None or view.name not in VIEWS:
        return False
    same = (there.select, there.columns) == (view.select, view.columns) and there.has_its_comments
    return same and (rights in there.created if rights else _SOMEBODYS not in there.created)


def _shown(view: FoundView) -> FoundView:
    """The view without its hidden columns."""
    hidden = HIDDEN.get(view.name, frozenset())
    if not hidden:
        return view
    columns = tuple(column for column in view.columns if column[0] not in hidden)
    names = ", ".join(f"`{name}`" for name, _ in columns)
    return replace(view, columns=columns, select=f"SELECT {names} FROM ({view.select})")


async def views(client: "AsyncClient", database: str) -> dict[str, str]:
    """View -> its SELECT, in one database. A view that `publish_views` created has exactly the same SELECT."""
    return {view.name: view.select for view in await found_views(client, database)}
