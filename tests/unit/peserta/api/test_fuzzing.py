"""The short form of the fuzzing (`python -m tests.fuzz.http`), and the OpenAPI document compared with the answers."""

from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from peserta.api.limits import Limits
from tests.fuzz.http import fuzz
from tests.support.http_door import HttpDoor

BODIES: Final = 1_000
DOOR: Final = HttpDoor(limits=Limits(requests_per_minute=10**9, failures_per_minute=10**9))
CHECKS: Final[list[Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/x-ndjson")
def text(_ctx: Any, value: Any) -> bytes:
    """Send a generated value as text without changes."""
    return str(value).encode("utf-8", "replace")


schema = schemathesis.openapi.from_asgi("/openapi.json", DOOR.app)


async def test_no_mutated_body_is_answered_wrongly() -> None:
    found = await fuzz(BODIES, seed=5)
    assert found.wrong == []
    assert len(found.statuses) >= 4, "the mutations reach nearly nothing"
    assert {"accepted", "invalid_field", "decode_error", "national_id", "not_allowed"} <= set(found.fates)


@schema.parametrize()
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_names(case: Any) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {DOOR.secret}"}, checks=CHECKS)
