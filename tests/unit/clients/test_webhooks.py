"""The client's check of a webhook, compared with the service's signing and the reference library."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Reference

from peserta_client import UnreadableAlert
from peserta_client.alerts import alert_of
from peserta_client.webhooks import KINDS, TOLERANCE_S, Unverified, verify
from schemas.notices import Notice
from schemas.subscriptions import LANGUAGES
from sinks.notices.channels import cloud_event
from sinks.notices.channels.standard_webhooks import KEY_BYTES_MAX, KEY_BYTES_MIN, headers
from sinks.notices.sample import sample
from sinks.notices.texts.composing import compose
from tests.support.alerts import alert, resolved
from tests.support.notices import AT, HOOK, digest_of, notice_of, reminder_of

AT_S: Final = AT // 1_000
KEYS: Final = st.binary(min_size=KEY_BYTES_MIN, max_size=KEY_BYTES_MAX)
OLD, NEW = b"old" * 8, b"new" * 8

EVERY: Final[dict[str, Notice]] = {
    "firing": notice_of(),
    "resolved": notice_of(resolved(at=AT)),
    "reminder": reminder_of(notice_of()),
    "digest": digest_of(alert(at=AT), alert("C2", at=AT)),
    "sample": sample(HOOK, compose, AT),
}


def secret(key: bytes) -> str:
    return f"whsec_{base64.b64encode(key).decode()}"


def request(notice: Notice, *keys: bytes) -> tuple[bytes, Mapping[str, str]]:
    """The request by which the service sends a notice."""
    body = cloud_event.body(notice)
    return body, headers(notice.notice_id, body, keys, AT)


def signed(body: bytes, name: str = "n", at: str = str(AT_S)) -> Mapping[str, str]:
    """Headers by the reference library, for what the service does not send."""
    signature = Reference(secret(OLD)).sign(name, datetime.fromtimestamp(AT_S, UTC), body.decode())
    return {"webhook-id": name, "webhook-timestamp": at, "webhook-signature": signature}


def as_hmac_sees_it(key: bytes) -> bytes:
    """HMAC fills keys up with zeros."""
    return key.rstrip(b"\0")


@pytest.mark.parametrize("kind", EVERY)
def test_what_the_service_sends_is_read(kind: str) -> None:
    notice = EVERY[kind]
    assert notice.message is not None
    found = verify(*request(notice, OLD), secret(OLD), at_s=AT_S)
    assert (found.notice_id, found.kind, found.text) == (notice.notice_id, kind, notice.message.text)
    assert found.alerts == tuple(alert_of(facts.alert) for facts in notice.message.alerts)


def test_every_kind_is_known() -> None:
    assert {*EVERY} == {*KINDS}


@given(st.lists(KEYS, min_size=1, max_size=3), st.lists(KEYS, min_size=1, max_size=3))
def test_one_secret_that_both_ends_have_is_enough(sent: list[bytes], known: list[bytes]) -> None:
    body, given_headers = request(EVERY["firing"], *sent)
    for common in sent:
        assert verify(body, given_headers, *map(secret, [*known, common]), at_s=AT_S).kind == "firing"
    if not {*map(as_hmac_sees_it, sent)} & {*map(as_hmac_sees_it, known)}:
        with pytest.raises(Unverified):
            verify(body, given_headers, *map(secret, known), at_s=AT_S)


@pytest.mark.parametrize("spelled", [str.title, str.upper, str.lower])
def test_names_of_headers_may_be_in_any_case(spelled: Callable[[str], str]) -> None:
    body, given_headers = request(EVERY["firing"], OLD)
    verify(body, {spelled(name): value for name, value in given_headers.items()}, secret(OLD), at_s=AT_S)


def test_whatever_is_changed_is_noticed() -> None:
    body, given_headers = request(EVERY["firing"], OLD)
    changed: list[tuple[bytes, dict[str, str]]] = [
        (body + b" ", {}),
        (body, {"webhook-id": "hook/other"}),
        (body, {"webhook-timestamp": str(AT_S + 1)}),
        (body, {"webhook-signature": ""}),
        (body, {"webhook-signature": "v1,"}),
        (body, {"webhook-signature": given_headers["webhook-signature"].replace("v1,", "v1a,")}),
        (body, {"webhook-signature": "v1,\u00fc \udcff"}),
        (body, {"webhook-id": "\udcff"}),
    ]
    for other, more in changed:
        with pytest.raises(Unverified):
            verify(other, {**given_headers, **more}, secret(OLD), at_s=AT_S)
    with pytest.raises(Unverified):
        verify(body, {}, secret(OLD), at_s=AT_S)


@pytest.mark.parametrize(
    ("later_s", "is_taken"),
    [(TOLERANCE_S, True), (-TOLERANCE_S, True), (TOLERANCE_S + 1, False), (-TOLERANCE_S - 1, False)],
)
def test_an_old_request_is_not_taken_again(later_s: int, is_taken: bool) -> None:
    body, given_headers = request(EVERY["firing"], OLD)
    if is_taken:
        verify(body, given_headers, secret(OLD), at_s=AT_S + later_s)
    else:
        with pytest.raises(Unverified, match="within 300 s"):
            verify(body, given_headers, secret(OLD), at_s=AT_S + later_s)


def test_now_is_the_time_of_the_system() -> None:
    with pytest.raises(Unverified, match="within 300 s"):
        verify(*request(replace(EVERY["firing"]), OLD), secret(OLD))


@pytest.mark.parametrize(
    "event",
    [
        "no JSON",
        "[]",
        cloud_event.event(EVERY["firing"]) | {"type": "id.peserta.alert.firing.v2"},
        cloud_event.event(EVERY["firing"]) | {"type": "id.peserta.alert.other.v1"},
        {"id": "n", "type": "id.peserta.alert.firing.v1", "data": {"text": ""}},
        {"id": "n", "type": "id.peserta.alert.digest.v1", "data": {"text": "", "alerts": 3}},
        {"id": "n", "type": 1, "data": {}},
    ],
    ids=lambda event: repr(event)[-60:],
)
def test_a_notice_that_is_not_known_is_said_to_be_so(event: Any) -> None:
    body = (event if isinstance(event, str) else json.dumps(event)).encode()
    with pytest.raises(UnreadableAlert, match="newer client"):
        verify(body, signed(body), secret(OLD), at_s=AT_S)


@pytest.mark.parametrize("wrong", [(), ("not base64!",), ("whsec_",), (secret(OLD), "")])
def test_a_wrong_secret_is_not_quoted(wrong: tuple[str, ...]) -> None:
    body, given_headers = request(EVERY["firing"], OLD)
    with pytest.raises(ValueError, match="secret") as raised:
        verify(body, given_headers, *wrong, at_s=AT_S)
    assert not isinstance(raised.value, Unverified)
    assert "not base64!" not in str(raised.value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_languages_come_through(language: str) -> None:
    notice = sample(replace(HOOK, language=language), compose, AT)
    assert verify(*request(notice, OLD, NEW), secret(NEW), at_s=AT_S).text == (notice.message and notice.message.text)
