"""`POST /v1/facts`: accept facts in any of their forms."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from peserta.api.bodies import Bodies
from peserta.api.entrance import Entrance
from peserta.api.media import event_id_of, form_of
from peserta.api.metrics import ApiMetrics
from peserta.api.parameters import truth
from peserta.api.problems import Problem
from peserta.intake.door import Door
from peserta.intake.fact_log import Busy, FactLog, NotAcknowledged
from peserta.intake.forms import Form, TooManyLines, Unreadable, reading_of_data, readings
from peserta.intake.taking import Reading, Taken, take
from peserta.operations.permissions import Act, denial_of_fact
from schemas.keys import Key

ALL_OR_NOTHING: Final = "all_or_nothing"
BUSY_RETRY_S: Final = 1
SILENT_RETRY_S: Final = 5


class FactsDoor:
    """Accepts the facts of requests."""

    def __init__(self, door: Door, log: FactLog, entrance: Entrance, bodies: Bodies, metrics: ApiMetrics) -> None:
        self._door, self._log, self._entrance = door, log, entrance
        self._bodies, self._metrics = bodies, metrics

    async def post(self, request: Request) -> Response:
        """Answer a body of facts once Kafka has acknowledged each accepted fact. Raises Problem otherwise."""
        with self._entrance.entered(request, Act.POST_FACTS) as key:
            all_or_nothing = truth(request, ALL_OR_NOTHING)
            form = form_of(request.headers)
            async with self._bodies.body_of(request) as body:
                taken = await self._take(key, form, request.headers, body, all_or_nothing)
        self._metrics.taken(taken)
        return _answer(taken)

    async def _take(self, key: Key, form: Form, headers: Headers, body: bytes, all_or_nothing: bool) -> Taken:
        permit = partial(denial_of_fact, key)
        try:
            read = _readings(form, headers, body)
            return await take(read, self._door, permit, self._log, all_or_nothing=all_or_nothing)
        except Unreadable as error:
            raise Problem("unreadable", str(error)) from None
        except TooManyLines as error:
            raise Problem("too-large", str(error)) from None
        except Busy as error:
            raise Problem("not-now", f"{error} Nothing was published.", retry_after_s=BUSY_RETRY_S) from None
        except NotAcknowledged as error:
            raise Problem("not-now", str(error), retry_after_s=SILENT_RETRY_S) from error


def _readings(form: Form, headers: Headers, body: bytes) -> Iterator[Reading]:
    event_id = event_id_of(headers, form)
    if event_id is None:
        return readings(form, body)
    return iter([reading_of_data(body, event_id)])


def _answer(taken: Taken) -> Response:
    refused = [asdict(one) for one in taken.refused]
    if taken.published:
        return JSONResponse({"accepted": taken.accepted, "refused": refused})
    detail = f"{len(refused)} of {taken.accepted + len(refused)} facts were refused, so none was published."
    raise Problem("refused", detail, accepted=0, refused=refused)
