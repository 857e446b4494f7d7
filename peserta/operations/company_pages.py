"""Figures of companies a page at a time, and of one company, from ClickHouse's views within seconds."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from clickhouse_connect.driver.client import Client

from peserta.operations.clickhouse_reading import analyst
from peserta.operations.coverage_reading import EVERYTHING_KNOWN, Row, latest_as_of
from peserta.operations.failure import Unavailable
from peserta.settings import Settings
from schemas.dates import day_text, instant_text
from schemas.records import Day, Instant
from schemas.secret_file import SecretFault

ANSWER_LIMIT_S: Final = 10  # for each query of an answer


@dataclass(frozen=True, slots=True)
class Asked:
    """Which companies, and when. `companies`: only these; None: all. `after`: those whose id sorts behind it.

    Without `as_of` and `known_at` each company's figures are those of its own business date.
    """

    companies: tuple[str, ...] | None = None
    after: str = ""
    most: int = 100
    as_of: Day | None = None
    known_at: Instant | None = None

    @property
    def is_past(self) -> bool:
        """Whether the figures are not those of now."""
        return self.as_of is not None or self.known_at is not None


@dataclass(frozen=True, slots=True)
class CompanyPage:
    """Rows of `coverage_current` or `coverage_as_of` in order of company_id, and the states of their policies.

    `policies` maps a company to rows of `policy_status`; None when the figures are past. `data_as_of` is when the
    latest entry that the figures of now include was recorded; None without one.
    """

    rows: tuple[Row, ...]
    policies: Mapping[str, Sequence[Row]] | None
    as_of: Day | None
    data_as_of: datetime | None


class Companies(Protocol):
    """A source of companies' figures."""

    async def page(self, asked: Asked) -> CompanyPage:
        """One page. Raises Failed without ClickHouse."""
        ...

    async def registered(self, company_id: str) -> Row | None:
        """company_id, name, regency and kbli of a company that has figures or a registry entry; None for another.

        Raises Failed without ClickHouse.
        """
        ...


class BookCompanies:
    """Reads companies of the current generation of an installation's book."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def page(self, asked: Asked) -> CompanyPage:
        """See Companies."""
        return await asyncio.to_thread(self._page, asked)

    async def registered(self, company_id: str) -> Row | None:
        """See Companies."""
        return await asyncio.to_thread(self._registered, company_id)

    def _page(self, asked: Asked) -> CompanyPage:
        try:
            with analyst(self._settings, limit_s=ANSWER_LIMIT_S) as client:
                return _read(client, asked)
        except SecretFault as error:
            raise Unavailable(str(error)) from error

    def _registered(self, company_id: str) -> Row | None:
        query = """SELECT company_id, name, regency, kbli FROM (
            SELECT company_id, name, regency, kbli FROM companies
            UNION ALL SELECT company_id, name, regency, kbli FROM coverage_current
        ) WHERE company_id = {company:String} LIMIT 1"""
        try:
            with analyst(self._settings, limit_s=ANSWER_LIMIT_S) as client:
                return next(iter(_rows(client, query, {"company": company_id})), None)
        except SecretFault as error:
            raise Unavailable(str(error)) from error


def _read(client: Client, asked: Asked) -> CompanyPage:
    as_of = asked.as_of
    if asked.is_past and as_of is None:
        as_of = latest_as_of(client)
    ((count, data_as_of),) = client.query("SELECT count(), max(recorded_at) FROM coverage_current").result_rows
    where = "WHERE company_id > {after:String}" + (
        "" if asked.companies is None else " AND company_id IN {companies:Array(String)}"
    )
    ordered = f"{where} ORDER BY company_id LIMIT {{most:UInt32}}"
    given: dict[str, Any] = {"after": asked.after, "most": asked.most, "companies": list(asked.companies or ())}
    if as_of is None:
        rows = _rows(client, f"SELECT * FROM coverage_current {ordered}", given)
    else:
        known_at = EVERYTHING_KNOWN if asked.known_at is None else asked.known_at
        given |= {"as_of": day_text(as_of), "known_at": instant_text(known_at)}
        rows = _rows(
            client,
            f"""SELECT f.*, c.name AS name, c.regency AS regency, c.kbli AS kbli
            FROM coverage_as_of(as_of = {{as_of:String}}, known_at = {{known_at:String}}) AS f
            LEFT JOIN companies AS c USING (company_id) {ordered}""",
            given,
        )
    policies = None if asked.is_past else _policies(client, [row["company_id"] for row in rows])
    return CompanyPage(rows, policies, as_of, data_as_of if count else None)


def _policies(client: Client, companies: Sequence[str]) -> Mapping[str, Sequence[Row]]:
    found: dict[str, list[Row]] = {}
    query = """SELECT company_id, policy_id, version, threshold_bp, state, since, gap_people FROM policy_status
    WHERE company_id IN {companies:Array(String)} ORDER BY company_id, policy_id"""
    for row in _rows(client, query, {"companies": list(companies)}):
        found.setdefault(row["company_id"], []).append(
            {name: value for name, value in row.items() if name != "company_id"}
        )
    return found


def _rows(client: Client, query: str, given: Mapping[str, Any]) -> tuple[Row, ...]:
    return tuple(client.query(query, parameters=dict(given)).named_results())
