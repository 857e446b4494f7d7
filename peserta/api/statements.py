"""`GET /v1/companies/{id}/statement`: the account of a company over a period."""

from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from peserta.api import parameters
from peserta.api.entrance import Entrance
from peserta.api.problems import Problem
from peserta.api.turns import Turns
from peserta.operations.permissions import Act
from peserta.operations.statement import Asked, Statement, Statements, WrongPeriod, statement_json
from schemas.admission import is_word

CHANGES_MAX: Final = 20_000  # of one answer


def ends_in_the_id(request: Request) -> bool:
    """Whether the path's `/statement` is the end of a company_id: there its slash is written as %2F."""
    sent: bytes = request.scope.get("raw_path") or b""
    return bool(sent) and unquote_to_bytes(sent.partition(b"?")[0].rpartition(b"/")[2]) != b"statement"


class StatementsDoor:
    """Answers with statements, a few questions at a time."""

    def __init__(self, statements: Statements, entrance: Entrance, turns: Turns) -> None:
        self._statements, self._entrance, self._turns = statements, entrance, turns

    async def get(self, request: Request) -> Response:
        """One statement. Raises Problem `not-found` for a company that is not known or not for this key, and
        `wrong-parameter` for a period that is missing, ends before it begins, or has too many changes."""
        company = request.path_params["company"]
        missing = Problem("not-found", "There is no such company, or it is not one of this key's.")
        with self._entrance.entered(request, Act.READ_FIGURES, company=company, missing=missing):
            first, last = parameters.date(request, "from"), parameters.date(request, "to")
            known_at = parameters.moment(request, "known_at")
            if first is None or last is None:
                raise Problem("wrong-parameter", "from and to must be given: the first and the last value date.")
            if not is_word(company):
                raise missing
            asked = Asked(company, first, last, known_at, CHANGES_MAX)
            found = await self._turns.answer(lambda: self._stated(asked))
        if not found.is_known:
            raise missing
        return JSONResponse(statement_json(found))

    async def _stated(self, asked: Asked) -> Statement:
        try:
            return await self._statements.statement(asked)
        except WrongPeriod as error:
            raise Problem("wrong-parameter", str(error)) from error
