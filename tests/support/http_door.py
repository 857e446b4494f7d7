"""The HTTP application in this process: with keys, the fake log of facts, and a client that needs no socket."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
from fastapi import FastAPI

from peserta.api.app import Parts, make_app
from peserta.api.companies import REGISTERED
from peserta.api.limits import Limits
from peserta.intake.door import Door
from peserta.operations.alert_feed import AlertFeed
from peserta.operations.company_pages import Asked, CompanyPage
from peserta.operations.coverage_reading import Row
from peserta.operations.fact_reading import UNKNOWN, FactFate, Reach
from peserta.operations.failure import Failed
from peserta.operations.keys import KeyTable, new_key
from peserta.operations.keys_known import KnownKeys
from peserta.operations.question_reading import Answers, Wanted, Written
from peserta.operations.statement import Asked as StatementAsked
from peserta.operations.statement import Balance, Change, Statement
from schemas.dates import EPOCH, day_text
from schemas.handling import Handling
from schemas.keys import PUBLISHER, Key
from schemas.records import Alert, Instant
from sinks.questions.headers import LATEST
from tests.support.alerts import ON
from tests.support.facts import noon
from tests.support.held_fact_log import HeldFactLog

NOW: Final[Instant] = noon("2025-09-01")
POLICY_STATE: Final[Row] = {
    "policy_id": "P1", "version": 1, "threshold_bp": 8000, "state": "met", "since": None, "gap_people": 0
}  # fmt: skip


@dataclass
class Keyring:
    """Keys with secrets that are not random, and the table in which an application looks them up."""

    table: KeyTable = field(default_factory=KeyTable)
    made: int = 0

    def add(self, role: str = PUBLISHER, **fields: Any) -> str:
        """A new key; its secret as it is sent."""
        self.made += 1
        key, secret = new_key(
            self.made.to_bytes(32, "big"), f"k{self.made}", name="test", role=role, created_at=NOW, **fields
        )
        self.put(key)
        return secret

    def put(self, key: Key) -> None:
        """A further record."""
        self.table.take(key.key_id.encode(), key.encode())


@dataclass
class FixedFates:
    """Answers every question alike, or fails; remembers what was asked."""

    answer: FactFate = field(default_factory=lambda: FactFate(UNKNOWN, (), False, Reach(0, 7, None, 9)))
    failure: Failed | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def fate(self, company_id: str, event_id: str) -> FactFate:
        """See FactFates."""
        self.asked.append((company_id, event_id))
        if self.failure is not None:
            raise self.failure
        return self.answer


@dataclass
class FixedCompanies:
    """Companies with these rows, of which nothing ever changes; or fails. Remembers what was asked."""

    rows: list[Row] = field(default_factory=list)
    names: list[Row] = field(default_factory=list)  # registered, without figures
    failure: Failed | None = None
    asked: list[Asked | str] = field(default_factory=list)

    async def page(self, asked: Asked) -> CompanyPage:
        """See Companies."""
        self._note(asked)
        rows = [
            row
            for row in sorted(self.rows, key=lambda row: str(row["company_id"]))
            if row["company_id"] > asked.after
            if asked.companies is None or row["company_id"] in asked.companies
        ]
        policies = None if asked.is_past else {"C1": [POLICY_STATE]}
        as_of = asked.as_of if asked.as_of is not None or not asked.is_past else ON
        return CompanyPage(tuple(rows[: asked.most]), policies, as_of, EPOCH)

    async def registered(self, company_id: str) -> Row | None:
        """See Companies."""
        self._note(company_id)
        found = [row for row in (*self.rows, *self.names) if row["company_id"] == company_id]
        return {name: found[0].get(name, "") for name in REGISTERED} if found else None

    def _note(self, asked: Asked | str) -> None:
        self.asked.append(asked)
        if self.failure is not None:
            raise self.failure


@dataclass
class FixedAnswers:
    """Answers every question with these bytes, or fails; remembers what was wanted."""

    content: bytes = b"[]"
    notes: tuple[str, ...] = ()
    failure: Failed | None = None
    asked: list[Wanted] = field(default_factory=list)

    async def written(self, wanted: Wanted) -> Written:
        """See Answers."""
        self.asked.append(wanted)
        if self.failure is not None:
            raise self.failure
        as_of = wanted.request.values.get("as_of")
        return Written(self.content, day_text(ON) if as_of == LATEST else as_of, self.notes)


@dataclass
class FixedStatements:
    """States every account of these companies alike, or fails; remembers what was asked."""

    companies: set[str] = field(default_factory=set)
    failure: Failed | None = None
    asked: list[StatementAsked] = field(default_factory=list)

    async def statement(self, asked: StatementAsked) -> Statement:
        """See Statements."""
        self.asked.append(asked)
        if self.failure is not None:
            raise self.failure
        opening = Balance(asked.first - 1, 7, 3)
        change = Change(asked.first, NOW, "hire", "e1", "w1", 1, 0, "fact", 2, 8, 3)
        period = asked.first, asked.last, asked.known_at
        return Statement(asked.company_id, *period, opening, (), (change,), asked.company_id in self.companies)


@dataclass
class FixedWriter:
    """Keeps what is written, or fails."""

    written: list[Handling] = field(default_factory=list)
    failure: Failed | None = None

    async def write(self, handling: Handling) -> None:
        """See HandlingWriter."""
        if self.failure is not None:
            raise self.failure
        self.written.append(handling)


class HttpDoor:
    """An application on the fake log. `clock` is in seconds, and moves by hand."""

    def __init__(
        self,
        log: HeldFactLog | None = None,
        limits: Limits | None = None,
        door: Door | None = None,
        book: Answers | None = None,
    ) -> None:
        """With `book`, questions are answered from there."""
        self.log, self.clock, self.now = log or HeldFactLog(), 1_000.0, NOW
        self.keys, self.fates = Keyring(), FixedFates()
        self.companies, self.answers, self.writer = FixedCompanies(), FixedAnswers(), FixedWriter()
        self.companies, self.writer = FixedCompanies(), FixedWriter()
        self.statements = FixedStatements()
        self.feed = AlertFeed(lambda: self.clock)
        self.feed.seen(self.clock)
        self.known = KnownKeys(lambda: self.clock)
        self.known.seen(self.keys.table, self.clock)
        self.secret = self.keys.add()
        self.app: FastAPI = make_app(
            Parts(
                door=door or Door(lambda: self.now, replay=False, allow_future=False),
                log=self.log,
                fates=self.fates,
                companies=self.companies,
                answers=book or self.answers,
                statements=self.statements,
                alerts=self.feed,
                handling=self.writer,
                keys=self.known,
                now=lambda: self.now,
                limits=limits or Limits(),
            )
        )

    def pass_s(self, seconds: float) -> None:
        """So much later, with the keys read again."""
        self.clock += seconds
        self.feed.seen(self.clock)
        self.known.seen(self.keys.table, self.clock)

    def alert(self, *alerts: Alert) -> None:
        """These alerts have come."""
        for one in alerts:
            self.feed.alerts.take(one)
        self.feed.wake()

    def handled(self, *handlings: Handling) -> None:
        """These have been done about alerts."""
        for one in handlings:
            self.feed.handling.take(one.handling_id.encode(), one.encode())

    def client(self, secret: str | None = "", address: str = "192.0.2.1") -> httpx2.AsyncClient:
        """A client with this key, with the door's own when it is empty, or without a key for None."""
        given = self.secret if secret == "" else secret
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 1))
        headers = {} if given is None else {"Authorization": f"Bearer {given}"}
        return httpx2.AsyncClient(transport=transport, base_url="http://door", headers=headers)

    async def post(self, body: str | bytes, media: str = "application/json", **options: Any) -> httpx2.Response:
        """Post a body with the door's own key."""
        headers = {"Content-Type": media, **options.pop("headers", {})}
        async with self.client(options.pop("secret", "")) as client:
            return await client.post("/v1/facts", content=body, headers=headers, **options)


def lines(facts: Sequence[str]) -> bytes:
    """NDJSON of these lines."""
    return "".join(f"{fact}\n" for fact in facts).encode()
