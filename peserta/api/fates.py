"""`GET /v1/facts/{company}/{event_id}`: the fate of a fact."""

import asyncio
from dataclasses import asdict
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from peserta.api.entrance import Entrance
from peserta.api.limits import Limits
from peserta.api.problems import Problem
from peserta.operations.fact_reading import FactFate, FactFates, FactRecord
from peserta.operations.failure import Failed
from peserta.operations.permissions import Act
from schemas.admission import FIELD_RULES, is_event_id, is_word
from schemas.dates import instant_text

WAIT_LIMIT_S: Final = 5.0  # wait for a free place among the concurrent queries
RETRY_S: Final = 2


class FatesDoor:
    """Looks up the fates of facts, a few at a time."""

    def __init__(self, fates: FactFates, entrance: Entrance, limits: Limits) -> None:
        self._fates, self._entrance = fates, entrance
        self._turns = asyncio.Semaphore(limits.answers_at_once)

    async def get(self, request: Request) -> Response:
        """Answer with the fate. Raises Problem for impossible ids, or if Kafka or ClickHouse does not answer."""
        company, event_id = request.path_params["company"], request.path_params["event_id"]
        with self._entrance.entered(request, Act.FOLLOW_FACTS, company=company):
            if not is_word(company):
                raise Problem("wrong-parameter", f"company {FIELD_RULES['company_id']}.")
            if not is_event_id(event_id):
                raise Problem("wrong-parameter", f"event_id {FIELD_RULES['event_id']}.")
            fate = await self._asked(company, event_id)
        return JSONResponse(_fields(fate))

    async def _asked(self, company: str, event_id: str) -> FactFate:
        try:
            async with asyncio.timeout(WAIT_LIMIT_S):
                await self._turns.acquire()
        except TimeoutError:
            raise Problem("not-now", "Too many questions are asked at the moment.", retry_after_s=RETRY_S) from None
        try:
            return await self._fates.fate(company, event_id)
        except Failed:
            # Omit the error's text: it is for operators, and ClickHouse's may repeat a value.
            raise Problem(
                "not-now", "Kafka or ClickHouse does not answer at the moment.", retry_after_s=RETRY_S
            ) from None
        finally:
            self._turns.release()


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
