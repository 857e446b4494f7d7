"""A payroll system with an outbox, in processes that are killed at each of their steps in turn.

`python -m tests.support.payroll DATABASE URL KEY`: works until one process comes to its end; prints how many did not.
"""

import os
import signal
import sqlite3
import sys
from itertools import count
from typing import Any, Final

import httpx2

from peserta_client import Publisher, RetryPolicy, read_fact
from peserta_client.outbox import Outbox
from schemas.fact_json import line_of
from tests.support.facts import hire

WORKERS: Final = 6
FAST: Final = RetryPolicy(first_s=0.01, longest_s=0.05)


class Steps:
    """Counts steps, and kills the process at one of them."""

    def __init__(self, fatal: int) -> None:
        self._left = fatal

    def step(self) -> None:
        """One more."""
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)


class Database(sqlite3.Connection):
    """A connection with a step before and after each commit and each statement that writes."""

    steps: Steps

    def commit(self) -> None:
        """See sqlite3.Connection."""
        self.steps.step()
        super().commit()
        self.steps.step()

    def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
        """See sqlite3.Connection."""
        self.steps.step()
        return super().cursor(factory)


class Network(httpx2.BaseTransport):
    """A step before each request and one after its answer."""

    def __init__(self, steps: Steps) -> None:
        self._steps, self._transport = steps, httpx2.HTTPTransport(verify=False)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """See BaseTransport."""
        self._steps.step()
        answer = self._transport.handle_request(request)
        answer.read()
        self._steps.step()
        return answer


def work(database: str, url: str, key: str, steps: Steps) -> None:
    """Hire whoever is not hired yet, with a transaction that is rolled back before each; then send the outbox."""
    connection = sqlite3.connect(database, factory=Database)
    connection.steps = steps
    outbox = Outbox()
    outbox.make_table(connection)
    connection.execute("CREATE TABLE IF NOT EXISTS worker (event_id TEXT PRIMARY KEY)")
    publisher = Publisher(url, key, transport=Network(steps), retry=FAST)
    for number in range(WORKERS):
        known = connection.execute("SELECT 1 FROM worker WHERE event_id = ?", (f"e{number}",)).fetchall()
        if not known:
            _hire(connection, outbox, f"rolled-back-{number}", f"w{number}")
            connection.rollback()
            _hire(connection, outbox, f"e{number}", f"w{number}")
            connection.commit()
        if number % 3 == 2:
            outbox.send(connection, publisher)


def _hire(connection: Database, outbox: Outbox, event_id: str, worker: str) -> None:
    connection.execute("INSERT INTO worker VALUES (?)", (event_id,))
    connection.steps.step()
    outbox.add(connection, [read_fact(line_of(hire(event_id, "2025-09-01", worker=worker)))])
    connection.steps.step()


def main(database: str, url: str, key: str) -> None:
    """See above."""
    for killed in count():
        pid = os.fork()
        if not pid:
            work(database, url, key, Steps(killed + 1))
            return
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code == 0:
            sys.stdout.write(f"{killed}\n")
            return
        assert code == -signal.SIGKILL, "the process failed by itself"


if __name__ == "__main__":
    main(*sys.argv[1:])
