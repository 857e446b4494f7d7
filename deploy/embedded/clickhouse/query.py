"""What is asked of the engine, what it answers, and how it refuses: the records between interface and engine."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from deploy.embedded.clickhouse.statement import InsertHead


class EngineError(Exception):
    """An error with ClickHouse's code (`system.errors`); the text begins as ClickHouse's own do."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text if text.startswith("Code: ") else f"Code: {code}. DB::Exception: {text}"
        super().__init__(self.text)


@dataclass(frozen=True)
class Session:
    """The session a request belongs to, and how long it is kept after it."""

    session_id: str
    timeout_s: float
    must_exist: bool = False


@dataclass(frozen=True)
class Query:
    """One statement with the settings that hold for it alone.

    Exactly one of `sql` and `insert` is given. `next_piece` gives the rest of an insert's data piece by piece, `b""` at
    its end; it blocks, and is called in the thread that runs the query.
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
        """The SQL, without data."""
        return self.insert.sql if self.insert else self.sql


@dataclass(frozen=True)
class Answer:
    """The bytes of a result, their format (None: the statement has no result), and counts of rows and bytes."""

    body: bytes
    format: str | None
    summary: Mapping[str, int]


Execute = Callable[[Query], Awaitable[Answer]]
"""How the interface has a query executed. Raises EngineError."""
