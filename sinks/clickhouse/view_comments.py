"""Comments on every view and column, where clients show them: the texts of `view_columns` without their markup.

ClickHouse keeps the comments of a view's columns with the view, so a view that is made again has none. The comments are
therefore checked at each start, and a view whose comments are not these is replaced by itself, atomically.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinks.clickhouse.migrations import checked, fill
from sinks.clickhouse.view_columns import ARGUMENTS, VIEWS, meaning_of

if TYPE_CHECKING:
    from clickhouse_connect.driver.asyncclient import AsyncClient

# ClickHouse keeps a view's SELECT with the database of each table in it, and the columns of a view without parameters.
_VIEWS: Final = """
SELECT name, as_select, create_table_query FROM system.tables
WHERE database = {database:String} AND engine = 'View' ORDER BY name
"""
_COLUMNS: Final = """
SELECT table, name, type FROM system.columns WHERE database = {database:String} ORDER BY table, position
"""
# The columns in a statement that `statement_of` wrote, in ClickHouse's own wording. A type has no backtick in it.
_COMMENTED: Final = r"`(\w+)` ([^`]+?) COMMENT '(?:[^'\\]|\\.)*'"
_COMMENTED_COLUMN: Final = re.compile(_COMMENTED)
_COMMENTED_COLUMNS: Final = re.compile(rf"CREATE VIEW \S+ \((?:{_COMMENTED}(?:, )?)+\) ")
# A sentence of a view's text that is a link alone leads to a page, and says nothing here.
_LINK_ALONE: Final = re.compile(r"\s+(?:See )?\[[^]]*\]\([^)]*\)\.")
_LINK: Final = re.compile(r"\[([^]]*)\]\([^)]*\)")
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "'": "\\'"})


@dataclass(frozen=True, slots=True)
class FoundView:
    """A view as it is: its SELECT, the statement that makes it, and its columns with their types."""

    name: str
    select: str
    created: str
    columns: tuple[tuple[str, str], ...]

    @property
    def has_its_comments(self) -> bool:
        """Whether every comment is there, in ClickHouse's own wording of the statement."""
        parts = [_column(self.name, *column) for column in self.columns] + [_of_view(self.name)]
        return all(part in self.created for part in parts)


async def found_views(client: "AsyncClient", database: str) -> list[FoundView]:
    """The views of a database, by name. A view that is none of ours comes without columns."""
    asked = {"database": database}
    found = (await client.query(_VIEWS, parameters=asked)).result_rows
    columns: dict[str, list[tuple[str, str]]] = {}
    for table, name, kind in (await client.query(_COLUMNS, parameters=asked)).result_rows:
        columns.setdefault(str(table), []).append((str(name), str(kind)))
    views = []
    for name, select, created in found:
        known = (tuple(columns.get(name, ())) or _named(created)) if name in VIEWS else ()
        if name in VIEWS and not known:
            known = await _described(client, database, name)
        views.append(FoundView(str(name), str(select), str(created), known))
    return views


def _named(created: str) -> tuple[tuple[str, str], ...]:
    """The columns that a statement names, if each has a comment."""
    found = _COMMENTED_COLUMNS.match(created)
    return tuple((name, kind) for name, kind in _COMMENTED_COLUMN.findall(found[0])) if found else ()


async def _described(client: "AsyncClient", database: str, view: str) -> tuple[tuple[str, str], ...]:
    """Name and type of each column of a view with parameters: ClickHouse has to analyse a query that gives it some."""
    asked = f"SELECT * FROM {checked(database)}.{checked(view)}{ARGUMENTS.get(view, '')}"
    rows = (await client.query(f"DESCRIBE TABLE ({asked})")).result_rows
    return tuple((str(name), str(kind)) for name, kind, *_ in rows)


async def comment_views(client: "AsyncClient", *, cluster: str | None = None) -> tuple[str, ...]:
    """Give the views of the client's default database their comments; the names of those that lacked one.

    A view that is none of ours is left alone.
    """
    database = client.database or ""
    lacking = [view for view in await found_views(client, database) if view.name in VIEWS and not view.has_its_comments]
    for view in lacking:
        await client.command(statement_of(view, database, cluster))
    return tuple(view.name for view in lacking)


def statement_of(view: FoundView, database: str, cluster: str | None, *, security: str = "") -> str:
    """The statement that makes this view in a database, with its comments if it is one of ours.

    `security` is the clause that says with whose rights it reads: empty for those of whoever asks.
    """
    head = fill(f"CREATE OR REPLACE VIEW {checked(database)}.{checked(view.name)} ${{on_cluster}}", cluster)
    if view.name not in VIEWS:
        return f"{head} {security} AS {view.select}"
    columns = ", ".join(_column(view.name, *column) for column in view.columns)
    return f"{head} ({columns}) {security} AS {view.select} {_of_view(view.name)}"


def comment_of_view(view: str) -> str:
    """What a row of a view is, in one line."""
    return _plain(_LINK_ALONE.sub("", VIEWS[view].text))


def comment_of_column(view: str, column: str) -> str:
    """A column's meaning and its unit, in one line; empty for a column that is none of ours."""
    meaning = meaning_of(view, column)
    if meaning is None:
        return ""
    return _plain(meaning.text) + (f" Unit: {meaning.unit}." if meaning.unit else "")


def _plain(text: str) -> str:
    """Text without links and line breaks. The signs around a name stay: they say that it is one."""
    return _LINK.sub(r"\1", text).replace("\n", " ")


def _column(view: str, name: str, kind: str) -> str:
    comment = comment_of_column(view, name)
    return f"`{name}` {kind}" + (f" COMMENT {_quoted(comment)}" if comment else "")


def _of_view(view: str) -> str:
    return f"COMMENT {_quoted(comment_of_view(view))}"


def _quoted(text: str) -> str:
    """A text as ClickHouse writes it in a statement."""
    return f"'{text.translate(_ESCAPES)}'"
