"""`GET /v1/facts/{company}/{event_id}`: the fate of a fact."""

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from peserta.api.entrance import Entrance
from peserta.api.problems import Problem
from peserta.api.turns import Turns
from peserta.operations.fact_reading import FactFate, FactFates, FactRecord
from peserta.operations.permissions import Act
from schemas.admission import FIELD_RULES, is_event_id, is_word
from schemas.dates import instant_text


class FatesDoor:
    """Looks up the fates of facts."""

    def __init__(self, fates: FactFates, entrance: Entrance, turns: Turns) -> None:
        self._fates, self._entrance, self._turns = fates, entrance, turns

    async def get(self, request: Request) -> Response:
        """Answer with the fate. Raises Problem for impossible ids, or if Kafka or ClickHouse does not answer."""
        company, event_id = request.path_params["company"], request.path_params["event_id"]
        with self._entrance.entered(request, Act.FOLLOW_FACTS, company=company):
            if not is_word(company):
                raise Problem("wrong-parameter", f"company {FIELD_RULES['company_id']}.")
            if not is_event_id(event_id):
                raise Problem("wrong-parameter", f"event_id {FIELD_RULES['event_id']}.")
            fate = await self._turns.answer(lambda: self._fates.fate(company, event_id))
        return JSONResponse(_fields(fate))


def _fields(fate: FactFate) -> dict[str, Any]:
    return {
        "state": fate.state,
        "records": [_record(record) for record in fate.records],
        "more": fate.more,
        "speaks": asdict(fate.reach),
    }


def _record(record: FactRecord) -> dict[str, Any]:
    return {
        "state": record.state,
        "type": record.type,
        "recorded_at": instant_text(record.recorded_at),
        "came_from": record.came_from._asdict(),
        "journal": None if record.journal is None else record.journal._asdict(),
    }
