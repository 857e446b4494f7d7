"""`GET /v1/companies` and `GET /v1/companies/{id}`: figures, now or as of a date as known at an instant."""

import base64
from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from peserta.api import parameters
from peserta.api.entrance import Entrance
from peserta.api.limits import Limits
from peserta.api.problems import Problem
from peserta.api.turns import Turns
from peserta.operations.company_pages import Asked, Companies, CompanyPage
from peserta.operations.coverage_reading import Row
from peserta.operations.permissions import Act, companies_seen
from schemas.admission import is_word
from schemas.dates import day_text, instant_text
from schemas.public_json import JsonObject, datetime_text, row_json

REGISTERED: Final = ("company_id", "name", "regency", "kbli")


class CompaniesDoor:
    """Answers with figures, a few questions at a time."""

    def __init__(self, companies: Companies, entrance: Entrance, turns: Turns, limits: Limits) -> None:
        self._companies, self._entrance, self._turns, self._limits = companies, entrance, turns, limits

    async def all(self, request: Request) -> Response:
        """A page of the companies that the key may see. Raises Problem for wrong parameters or without ClickHouse."""
        with self._entrance.entered(request, Act.READ_FIGURES) as key:
            most = parameters.limit(request, self._limits)
            cursor = parameters.text(request, "cursor")
            asked = Asked(
                companies=companies_seen(key),
                after="" if cursor is None else _company_of(cursor),
                most=most + 1,
                as_of=parameters.date(request, "as_of"),
                known_at=parameters.moment(request, "known_at"),
            )
            page = await self._turns.answer(lambda: self._companies.page(asked))
        rows = page.rows[:most]
        following = _cursor_of(rows[-1]["company_id"]) if len(page.rows) > most else None
        fields = {"companies": [_company(row, page.policies) for row in rows], "cursor": following}
        return JSONResponse(_head(asked, page) | fields)

    async def one(self, request: Request) -> Response:
        """One company. Raises Problem `not-found` for one that is not known or not for this key."""
        company = request.path_params["company"]
        missing = Problem("not-found", "There is no such company, or it is not one of this key's.")
        with self._entrance.entered(request, Act.READ_FIGURES, company=company, missing=missing):
            asked = Asked(
                companies=(company,),
                most=1,
                as_of=parameters.date(request, "as_of"),
                known_at=parameters.moment(request, "known_at"),
            )
            if not is_word(company):
                raise missing
            page = await self._turns.answer(lambda: self._companies.page(asked))
            rows: Sequence[Row] = page.rows
            if not rows:
                found = await self._turns.answer(lambda: self._companies.registered(company))
                if found is None:
                    raise missing
                rows = (found,)
        return JSONResponse(_head(asked, page) | _company(rows[0], page.policies))


def _head(asked: Asked, page: CompanyPage) -> JsonObject:
    return {
        "as_of": None if page.as_of is None else day_text(page.as_of),
        "known_at": None if asked.known_at is None else instant_text(asked.known_at),
        "data_as_of": None if page.data_as_of is None else datetime_text(page.data_as_of),
    }


def _company(row: Row, policies: Any) -> JsonObject:
    fields = row_json(row)
    figures = {name: value for name, value in fields.items() if name not in REGISTERED}
    states = None if policies is None else [row_json(state) for state in policies.get(row["company_id"], ())]
    return {name: fields[name] for name in REGISTERED} | {"figures": figures or None, "policies": states}


def _cursor_of(company: str) -> str:
    return base64.urlsafe_b64encode(company.encode()).rstrip(b"=").decode()


def _company_of(cursor: str) -> str:
    try:
        company = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
    except ValueError:
        company = ""
    if not is_word(company) or _cursor_of(company) != cursor:
        raise Problem("wrong-parameter", "cursor must be one that an answer of this call had.")
    return company
