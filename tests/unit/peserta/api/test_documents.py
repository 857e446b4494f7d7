"""Probes, the OpenAPI document and its page, and the answers at unknown paths."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from peserta.api.documents import fact_schemas
from peserta.api.page import page
from peserta.api.problems import PROBLEM, PROBLEMS
from schemas.admission import REASONS
from schemas.fact_json import _FIELDS
from tests.support.http_door import HttpDoor

NOT_OF_FACTS = ("unexpected", "not-found", "ended", "not-acceptable")


async def got(path: str, method: str = "GET") -> Any:
    async with HttpDoor().client(secret=None) as client:
        return await client.request(method, path)


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/livez", {"role": "api", "alive": True}), ("/readyz", {"role": "api", "ready": True, "waits_for": {}})],
)
async def test_probes_need_no_key(path: str, fields: dict[str, Any]) -> None:
    answer = await got(path)
    assert (answer.status_code, answer.json()) == (200, fields)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/facts/", 404),
        ("GET", "/v1/facts", 405),
        ("PUT", "/v1/facts", 405),
        ("POST", "/livez", 405),
        ("GET", "/docs/", 404),
        ("GET", "/redoc", 404),
    ],
)
async def test_where_there_is_nothing_the_answer_is_a_problem(method: str, path: str, status: int) -> None:
    answer = await got(path, method)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


async def test_the_document_names_every_answer_of_a_call() -> None:
    document = (await got("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    call = document["paths"]["/v1/facts"]["post"]
    own = {str(status.value) for name, (status, _) in PROBLEMS.items() if name not in NOT_OF_FACTS}
    assert set(call["responses"]) == own - {"405"} | {"200"}
    for status, answer in call["responses"].items():
        for content in answer["content"].values():
            assert "example" in content or content["examples"], status
    assert all("example" in content for content in call["requestBody"]["content"].values())


async def test_every_reference_of_the_document_leads_somewhere() -> None:
    answer = await got("/openapi.json")
    schemas = answer.json()["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', answer.text)) <= set(schemas)


def test_the_schemas_have_the_fields_of_facts() -> None:
    schemas = fact_schemas()
    assert {kind: frozenset(schemas[kind.capitalize()]["properties"]) for kind in _FIELDS} == _FIELDS


class Links(HTMLParser):
    """Collects everything that a browser would fetch or run for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]


async def test_the_page_fetches_nothing_and_runs_nothing() -> None:
    answer = await got("/docs")
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'self' 'unsafe-inline'"
    links = Links()
    links.feed(answer.text)
    assert {"script", "link", "img", "iframe", "form"}.isdisjoint(links.tags)
    assert all(link.startswith(("#", "/openapi.json")) for link in links.links)
    assert "url(" not in answer.text
    assert [reason for reason in (*REASONS, "not_allowed") if reason not in answer.text] == []
    assert "POST" in answer.text


def test_what_the_document_says_is_text_in_the_page() -> None:
    evil = "<script>alert(1)</script>"
    call = {
        "summary": evil,
        "description": evil,
        "responses": {evil: {"description": evil, "content": {evil: {"example": evil}}}},
    }
    document = {"openapi": evil, "info": {"title": evil, "description": evil}, "paths": {f"/{evil}": {"get": call}}}
    assert "<script" not in page(document, {evil: evil})
