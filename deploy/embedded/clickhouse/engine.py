"""ClickHouse's own engine in this process: one folder, several queries at a time, each in a thread.

Results are held whole in memory before they are sent: made for one machine's figures, not for exports of any size.
The body of an insert is written to the data folder before the insert runs, and is never whole in memory.
"""

import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import chdb
from anyio import CapacityLimiter, to_thread

from deploy.embedded.clickhouse.query import Answer, EngineError, Query, Session
from deploy.embedded.clickhouse.sessions import Handle, Sessions
from deploy.embedded.clickhouse.statement import InsertHead, result_format

QUERIES_AT_ONCE = 16

UNKNOWN_SETTING = 115
NOT_ENOUGH_SPACE = 243
UNKNOWN_EXCEPTION = 1002
_CODE = re.compile(r"Code: (\d+)\. ")
_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Engine:
    """The engine on one folder. Only one process at a time can have a folder: a second one is refused (code 36)."""

    def __init__(self, path: Path) -> None:
        """Open or make the folder. Raises EngineError."""
        self._path = str(path.resolve())  # The engine compares paths letter by letter.
        with _errors():
            self._keeper = _connect(self._path)  # Keeps the engine alive between requests.
        self._sessions = Sessions(lambda: _connect(self._path), time.monotonic)
        self._threads: CapacityLimiter | None = None
        self.version, self.timezone = _rows(self._keeper, "SELECT version() AS version, timezone() AS zone")[0].values()

    async def execute(self, query: Query) -> Answer:
        """Run one query in a thread. Raises EngineError."""
        if self._threads is None:  # Needs the running loop.
            self._threads = CapacityLimiter(QUERIES_AT_ONCE)
        return await to_thread.run_sync(self._run, query, limiter=self._threads)

    def _run(self, query: Query) -> Answer:
        with _errors(), self._sessions.handle(query.session) as handle, self._settings(handle, query):
            return _insert(handle, query, self._path) if query.insert else _query(handle, query)

    @contextmanager
    def _settings(self, handle: Handle, query: Query) -> Iterator[None]:
        """Apply the request's settings; take them back when the handle lives on as a session's.

        A deduplication token that stayed would silently drop every later insert of the session.
        """
        _check_names(query.settings)
        # Those of an insert are in its statement, and end with it.
        set_here = {} if query.insert else query.settings
        before = _changed_settings(handle, set_here) if query.session else {}
        try:
            _apply(handle, query, set_here)
            yield
        finally:
            if query.session and set_here:
                self._restore(handle, query.session, {name: before.get(name) for name in set_here})

    def _restore(self, handle: Handle, session: Session, before: Mapping[str, str | None]) -> None:
        try:
            _command(
                handle, _set({name: "DEFAULT" if value is None else _quote(value) for name, value in before.items()})
            )
        except (RuntimeError, chdb.ChdbError):
            # `readonly` forbids to take it back: the session starts anew.
            self._sessions.drop(session)

    def close(self) -> None:
        """Close the folder in order."""
        self._sessions.close()
        self._keeper.close()


def _connect(path: str) -> Handle:
    handle: Handle = chdb.connect(path)  # type: ignore[no-untyped-call]
    return handle


@contextmanager
def _errors() -> Iterator[None]:
    """Turn what the engine raises, text with a code in it, into EngineError."""
    try:
        yield
    except (RuntimeError, chdb.ChdbError) as error:
        text = str(error)
        found = _CODE.search(text)
        if found is None:
            raise EngineError(UNKNOWN_EXCEPTION, text) from error
        raise EngineError(int(found[1]), text[found.start() :].rstrip()) from error


def _check_names(settings: Mapping[str, str]) -> None:
    for name in settings:
        if not _SETTING_NAME.fullmatch(name):
            raise EngineError(UNKNOWN_SETTING, f"Unknown setting '{name}'. (UNKNOWN_SETTING)")


def _apply(handle: Handle, query: Query, settings: Mapping[str, str]) -> None:
    """Make the handle ready for the query. Each statement costs as much as a small query, so the settings are one."""
    if query.database:
        _command(handle, f"USE `{query.database.translate(_ESCAPES)}`")
    wanted = {name: _quote(value) for name, value in settings.items()} | ({"readonly": "2"} if query.read_only else {})
    if wanted:
        _command(handle, _set(wanted))


def _set(values: Mapping[str, str]) -> str:
    return "SET " + ", ".join(f"{name} = {value}" for name, value in values.items())


def _insert(handle: Handle, query: Query, folder: str) -> Answer:
    """Insert the body from a file without a name: chdb's `send_insert` reports success when the engine refuses a block.

    The statement runs once the whole body has come, so a body that is cut off inserts nothing. The deduplication token
    works as for an insert of data.
    """
    assert query.insert is not None
    with _disk_errors(), tempfile.TemporaryFile(dir=folder) as file:
        piece = query.insert.data or query.next_piece()
        while piece:
            file.write(piece)
            piece = query.next_piece()
        file.seek(0)  # Writes what is buffered.
        done = handle.query(_insert_statement(query, query.insert, file.fileno()), "Null")
    return Answer(b"", None, {"written_rows": done.rows_written(), "written_bytes": done.bytes_written()})


def _insert_statement(query: Query, insert: InsertHead, descriptor: int) -> str:
    """The statement that reads the data from an open file of this process, piece by piece, not mapped into memory.

    It names the request's settings, and then its own: of two values of a setting the last one counts.
    """
    settings = [f"{name} = {_quote(value)}" for name, value in query.settings.items()]
    settings += ["storage_file_read_method = 'pread'", *([insert.settings] if insert.settings else [])]
    return f"{insert.sql} FROM INFILE '/dev/fd/{descriptor}' SETTINGS {', '.join(settings)} FORMAT {insert.format}"


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = f"Cannot write the body of the insert to the data folder: {error.strerror}. (NOT_ENOUGH_SPACE)"
        raise EngineError(NOT_ENOUGH_SPACE, text) from error


def _query(handle: Handle, query: Query) -> Answer:
    result = handle.query(query.sql, query.default_format, params=dict(query.parameters))
    body = result.bytes() or b""
    counts = {
        "read_rows": result.rows_read(),
        "read_bytes": result.bytes_read(),
        "written_rows": result.rows_written(),
        "written_bytes": result.bytes_written(),
        "result_bytes": len(body),
    }
    return Answer(body, result_format(query.sql, query.default_format), counts)


def _changed_settings(handle: Handle, settings: Mapping[str, str]) -> dict[str, str]:
    """The values, of the settings named, that the session has SET itself."""
    if not settings:
        return {}
    names = ", ".join(map(_quote, settings))
    found = _rows(handle, f"SELECT name, value FROM system.settings WHERE changed AND name IN ({names})")
    return {row["name"]: row["value"] for row in found}


def _rows(handle: Handle, sql: str) -> list[dict[str, Any]]:
    answered = handle.query(sql, "JSONEachRow").bytes() or b""
    return [json.loads(line) for line in answered.splitlines()]


def _command(handle: Handle, sql: str) -> None:
    handle.query(sql, "Null")


_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "`": "\\`"})


def _quote(value: str) -> str:
    return f"'{value.translate(_ESCAPES)}'"
