"""An outbox: facts are written in the payroll system's own SQL transaction, and sent afterwards.

A fact is reported if and only if its change is committed, even if a process is killed in between. It may be sent twice;
the service counts each event_id once. Works on any DB-API 2.0 connection that is not in autocommit mode.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from peserta_client.answers import Published
from peserta_client.facts import Fact
from peserta_client.lines import read_fact
from peserta_client.rules import InvalidFact

SENT_AT_ONCE_MAX: Final = 1_000  # facts between two transactions

# Other databases have another syntax for an auto-increment column.
SQLITE_TABLE: Final = """
CREATE TABLE IF NOT EXISTS peserta_outbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    fact TEXT NOT NULL,
    refused_reason TEXT,
    refused_message TEXT
)"""
POSTGRESQL_TABLE: Final = SQLITE_TABLE.replace(
    "INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
)


class Connection(Protocol):
    """The methods of a DB-API 2.0 connection that the outbox uses."""

    def cursor(self) -> Any: ...

    def commit(self) -> object: ...


class Sender(Protocol):
    """A publisher of facts, such as `peserta_client.Publisher`."""

    def publish(self, facts: Iterable[Fact]) -> Published: ...


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A fact that the service refused. It stays until it is deleted: correct its cause and add a new fact."""

    position: int
    line: str
    reason: str
    message: str


class Outbox:
    """The table `peserta_outbox`. `placeholder` is the database driver's parameter style, `?` or `%s`."""

    def __init__(self, placeholder: str = "?") -> None:
        self._sign = placeholder

    def make_table(self, connection: Connection, statement: str = SQLITE_TABLE) -> None:
        """Create the table if it does not exist, and commit."""
        self._run(connection, statement)
        connection.commit()

    def add(self, connection: Connection, facts: Iterable[Fact]) -> None:
        """Write facts in the connection's open transaction. The caller commits."""
        for fact in facts:
            self._run(connection, f"INSERT INTO peserta_outbox (fact) VALUES ({self._sign})", fact.to_json())

    def send(self, connection: Connection, sender: Sender) -> Published:
        """Send the waiting facts, oldest first, and delete the accepted ones, with a commit after each part.

        Use a separate connection. If the sender raises an error, facts that were not accepted stay in the table.
        """
        published = Published()
        while True:
            rows = self._waiting(connection)
            connection.commit()  # no transaction stays open during the network call
            if not rows:
                return published
            published += self._send_rows(connection, sender, rows)

    def refused(self, connection: Connection) -> list[RefusedRow]:
        """The facts that were refused, oldest first."""
        found = self._rows(
            connection,
            "SELECT position, fact, refused_reason, refused_message FROM peserta_outbox "
            "WHERE refused_reason IS NOT NULL ORDER BY position",
        )
        return [RefusedRow(*row) for row in found]

    def _send_rows(self, connection: Connection, sender: Sender, rows: Sequence[tuple[int, str]]) -> Published:
        facts: list[Fact] = []
        sent_rows: list[int] = []
        refusals: dict[int, tuple[str, str]] = {}
        for position, line in rows:
            try:
                facts.append(read_fact(line))
                sent_rows.append(position)
            except InvalidFact as error:
                refusals[position] = (error.reason, str(error))
        published = sender.publish(facts)
        at = {id(fact): position for fact, position in zip(facts, sent_rows, strict=True)}
        refusals |= {at[id(one.fact)]: (one.reason, one.message) for one in published.refused}
        for position, _ in rows:
            if position in refusals:
                self._refuse(connection, position, *refusals[position])
            else:
                self._run(connection, f"DELETE FROM peserta_outbox WHERE position = {self._sign}", position)
        connection.commit()
        return published

    def _waiting(self, connection: Connection) -> list[tuple[int, str]]:
        cursor = connection.cursor()
        try:
            cursor.execute("SELECT position, fact FROM peserta_outbox WHERE refused_reason IS NULL ORDER BY position")
            return [(position, line) for position, line in cursor.fetchmany(SENT_AT_ONCE_MAX)]
        finally:
            cursor.close()

    def _refuse(self, connection: Connection, position: int, reason: str, message: str) -> None:
        statement = (
            f"UPDATE peserta_outbox SET refused_reason = {self._sign}, refused_message = {self._sign} "
            f"WHERE position = {self._sign}"
        )
        self._run(connection, statement, reason, message, position)

    def _rows(self, connection: Connection, statement: str) -> list[tuple[Any, ...]]:
        cursor = connection.cursor()
        try:
            cursor.execute(statement)
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def _run(self, connection: Connection, statement: str, *values: Any) -> None:
        cursor = connection.cursor()
        try:
            cursor.execute(statement, values)
        finally:
            cursor.close()
