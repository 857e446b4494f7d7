"""The records between interface and engine: queries, answers and errors."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from deploy.embedded.clickhouse.statement import InsertHead


class EngineError(Exception):
    """An error with ClickHouse's code (`system.errors`). Its text begins like ClickHouse's own messages."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text if text.startswith("Code: ") else f"Code: {code}. DB::Exception: {text}"
        super().__init__(self.text)


@dataclass(frozen=True)
class Session:
    """The session of a request, and how long it is kept after the request."""

    session_id: str
    timeout_s: float
    must_exist: bool = False


@dataclass(frozen=True)
class Query:
    """One statement with its own settings.

    Exactly one of `sql` and `insert` is given. `next_piece` returns the rest of an insert's data piece by piece, and
    `b""` at its end. It blocks; the thread that runs the query calls it.
    """

    sql: str = ""
    insert: InsertHead | None = None
    next_piece: Callable[[], bytes] = lambda: b""
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    database: str | None = None
    session: Session | None = None
    default_format: str = "TabSeparated"
    read_only: bool = False

    @property
    def text(self) -> str:
        """The SQL; of an insert, what comes before its settings and data."""
        return self.insert.sql if self.insert else self.sql


@dataclass(frozen=True)
class Answer:
    """The bytes of a result, their format (None if the statement has no result), and counts of rows and bytes."""

    body: bytes
    format: str | None
    summary: Mapping[str, int]


Execute = Callable[[Query], Awaitable[Answer]]
"""Runs a query for the interface. Raises EngineError."""
