"""The short form of the fuzzing (`python -m tests.fuzz.http`), and the OpenAPI document compared with the answers."""

import asyncio
import json
from typing import Any, Final
from urllib.parse import quote

import httpx2
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from peserta.api.limits import Limits
from peserta.api.problems import PROBLEM
from schemas.keys import ADMIN
from tests.fuzz.http import fuzz
from tests.support.alerts import alert
from tests.support.http_door import HttpDoor

BODIES: Final = 1_000
# A stream has no end of its own, so none is opened here.
DOOR: Final = HttpDoor(limits=Limits(requests_per_minute=10**9, failures_per_minute=10**9, streams_of_key=0))
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
DOOR.alert(alert())
ADMIN_SECRET: Final = DOOR.keys.add(ADMIN)


async def test_no_mutated_body_is_answered_wrongly() -> None:
    found = await fuzz(BODIES, seed=5)
    assert found.wrong == []
    assert len(found.statuses) >= 4, "the mutations reach nearly nothing"
    assert {"accepted", "invalid_field", "decode_error", "national_id", "not_allowed"} <= set(found.fates)


# One operation answers all questions: these have every kind of parameter among them.
ASKED: Final = schema.exclude(path_regex=r"/v1/questions/(?!(gaps|moves|trend|overdue)$)")


@ASKED.parametrize()
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_names(case: Any) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {ADMIN_SECRET}"}, checks=CHECKS)


WORDS: Final = st.sampled_from(
    ["", "latest", "2025-02-30", "2025-09-01T00:00:00Z", "C1", "C1/P1/1", "firing", "1", "\0", "\ud800", "é" * 70]
) | st.text(max_size=20)
PATHS: Final = (
    *("companies", "companies/{}", "companies/{}/statement", "alerts", "alerts/stream", "alerts/{}/handling"),
    *("facts/{}/{}", "questions/{}", "questions/moves"),
)
NAMES: Final = st.sampled_from(
    ["as_of", "known_at", "limit", "cursor", "company", "policy", "status", "from", "to", "within_days", "format"]
)


@given(
    st.sampled_from(PATHS),
    WORDS,
    st.lists(st.tuples(NAMES, WORDS), max_size=3),
    st.dictionaries(st.sampled_from(["action", "to", "text", "x"]), WORDS | st.integers() | st.none(), max_size=3),
    WORDS,
)
@settings(max_examples=150, derandomize=True, database=None)
def test_no_parameter_id_or_cursor_is_answered_with_500(
    path: str, word: str, query: list[tuple[str, str]], fields: dict[str, Any], last: str
) -> None:
    said = quote(word.encode("utf-8", "surrogatepass"), safe="/")
    url = f"/v1/{path.replace('{}', said)}?" + "&".join(
        f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in query
    )
    headers = {"Authorization": f"Bearer {ADMIN_SECRET}", "Content-Type": "application/json"}
    headers["Last-Event-ID"] = quote(last.encode("utf-8", "surrogatepass"))

    async def asked() -> httpx2.Response:
        async with DOOR.client(None) as client:
            if path.endswith("handling"):
                return await client.post(url, content=json.dumps(fields), headers=headers)
            return await client.get(url, headers=headers)

    answer = asyncio.run(asked())
    assert answer.status_code in (200, 201, 400, 403, 404, 429), answer.text
    assert answer.status_code != 429 or "stream" in path
    assert answer.is_success or answer.headers["content-type"] == PROBLEM
