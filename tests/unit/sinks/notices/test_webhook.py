"""Webhooks against real servers: what they are sent, and what becomes of every way in which they answer."""

import asyncio
import base64
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from schemas.dates import instant_text
from schemas.notices import Notice
from schemas.records import Instant
from schemas.subscriptions import FIRING, RESOLVED
from sinks.notices.channels import cloud_event, standard_webhooks
from sinks.notices.channels.http import Http
from sinks.notices.channels.settings import ChannelSettings
from sinks.notices.channels.webhook import Webhook
from sinks.notices.retrying import Answer
from sinks.notices.secrets import Secrets
from tests.support.alerts import alert, resolved
from tests.support.locks import DAY, Authority
from tests.support.names import Names
from tests.support.notices import AT, HOOK, digest_of, notice_of, reminder_of
from tests.support.receivers import RECEIVER, Handler, Receiver, answering, hanging, receiving, talking

PATIENT: Final = ChannelSettings(attempt_s=30, answer_s=0.1, answer_bytes_max=1_000)
SHORT: Final = replace(PATIENT, attempt_s=0.3)
KEYS: Final = st.binary(min_size=standard_webhooks.KEY_BYTES_MIN, max_size=standard_webhooks.KEY_BYTES_MAX)


async def sent(
    receiver: Receiver,
    *,
    settings: ChannelSettings = PATIENT,
    secrets: tuple[str, ...] = (),
    folder: Path | None = None,
    now: Instant = AT,
    notice: Notice | None = None,
) -> Answer:
    """The answer of one attempt to this receiver, whose host is allowed."""
    settings = replace(settings, allowed_hosts=frozenset((receiver.host,)))
    channel = Webhook(Http(settings), Secrets(folder))
    try:
        return await channel.send(replace(HOOK, secrets=secrets), notice or notice_of(), [receiver.url], now)
    finally:
        await channel.close()


def present() -> Instant:
    """The verifier refuses signatures of another time than its own."""
    return round(time.time() * 1_000)


async def answer_of(handler: Handler, settings: ChannelSettings = PATIENT) -> Answer:
    async with receiving(handler) as receiver:
        return await sent(receiver, settings=settings)


def secret_file(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    (folder / name).chmod(0o600)


# ---------------------------------------------------------------- what is sent


async def test_a_receiver_gets_a_cloud_event_and_verifies_it_with_either_secret(tmp_path: Path) -> None:
    keys = {name: base64.b64encode(bytes([number]) * 32).decode() for number, name in enumerate(("old", "new"))}
    for name, key in keys.items():
        secret_file(tmp_path, name, f"whsec_{key}\n")
    now = present()
    async with receiving(answering(204)) as receiver:
        answer = await sent(receiver, secrets=("old", "new"), folder=tmp_path, now=now)
    assert answer == Answer(True, "answered 204")
    [(path, headers, body)] = receiver.requests
    given_headers = {name.lower(): value for name, value in headers.items()}
    assert path == "/hook"
    assert given_headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert given_headers["accept-encoding"] == "identity"
    assert not {"cookie", "authorization", "referer"} & given_headers.keys()
    for key in keys.values():
        assert Verifier(f"whsec_{key}").verify(body, given_headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Verifier("whsec_" + base64.b64encode(bytes([9]) * 32).decode()).verify(body, given_headers)


@given(st.lists(KEYS, min_size=1, max_size=4), st.text(max_size=300), st.text(min_size=1, max_size=80))
@example([b"k" * 24], "{}", "hook/C.1/P.1/1/firing")
@hypothesis_settings(max_examples=50)
def test_signatures_are_those_of_the_standard(keys: list[bytes], text: str, notice_id: str) -> None:
    headers = dict(standard_webhooks.headers(notice_id, text.encode(), keys, AT))
    name, at = headers["webhook-id"], datetime.fromtimestamp(AT // 1_000, UTC)
    assert name.isascii() and name.isprintable() and "." not in name
    expected = [Verifier(base64.b64encode(key).decode()).sign(name, at, text) for key in keys]
    assert headers["webhook-signature"].split() == expected


@pytest.mark.parametrize(
    ("notice", "kind", "subject"),
    [
        (notice_of(alert(at=AT)), "firing", "C1/P1/1"),
        (notice_of(resolved(at=AT)), "resolved", "C1/P1/1"),
        (reminder_of(notice_of()), "reminder", "C1/P1/1"),
        (digest_of(alert(at=AT), alert("C2", at=AT)), "digest", "2026-02-16"),
    ],
    ids=[FIRING, RESOLVED, "reminder", "digest"],
)
def test_the_envelope_says_what_it_carries(notice: Notice, kind: str, subject: str) -> None:
    event: dict[str, Any] = json.loads(cloud_event.body(notice))
    assert notice.message is not None
    alerts = [facts.alert for facts in notice.message.alerts]
    data = {"alerts": alerts} if kind == "digest" else alerts[0]
    assert event == {
        "specversion": "1.0",
        "id": notice.notice_id,
        "source": "/peserta",
        "type": f"id.peserta.alert.{kind}.v1",
        "subject": subject,
        "time": instant_text(AT),
        "datacontenttype": "application/json",
        "data": {**data, "text": notice.message.text},
    }


async def test_each_attempt_has_the_same_body_and_its_own_time(tmp_path: Path) -> None:
    secret_file(tmp_path, "one", base64.b64encode(b"k" * 24).decode())
    async with receiving(answering(500)) as receiver:
        for later, attempts in ((0, 0), (60_000, 1)):
            notice = replace(notice_of(), attempts=attempts, last_answer="500" * attempts, last_at=AT + later)
            await sent(receiver, secrets=("one",), folder=tmp_path, now=AT + later, notice=notice)
    (_, first, body), (_, second, again) = receiver.requests
    assert body == again
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 60
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "secret one: its file cannot be read: No such file or directory"),
        ("not base64!", "secret one is not whsec_ and base64"),
        ("whsec_" + base64.b64encode(b"short").decode(), "secret one does not hold 24 to 64 bytes in base64"),
    ],
)
async def test_without_a_proper_secret_nothing_is_sent(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        secret_file(tmp_path, "one", content)
    async with receiving(answering(200)) as receiver:
        assert await sent(receiver, secrets=("one",), folder=tmp_path) == Answer(False, words)
    assert receiver.requests == []


# ---------------------------------------------------------------- what comes back


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_2xx_is_success(status: int) -> None:
    assert await answer_of(answering(status)) == Answer(True, f"answered {status}")


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503, 599])
async def test_other_answers_are_tried_again(status: int) -> None:
    assert await answer_of(answering(status)) == Answer(False, f"answered {status}")


async def test_410_ends_the_delivery() -> None:
    answer = await answer_of(answering(410))
    assert (answer.ok, answer.gone) == (False, True)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with receiving(answering(200)) as other, receiving(answering(status, {"Location": other.url})) as receiver:
        answer = await sent(receiver)
    assert not answer.ok and "redirects are not followed" in answer.words and other.host not in answer.words
    assert (len(receiver.requests), other.requests) == (1, [])


@pytest.mark.parametrize(
    ("asked", "wait_s"),
    [
        ("120", 120),
        (format_datetime(datetime.fromtimestamp(AT // 1_000 + 90, UTC), usegmt=True), 90),
        (format_datetime(datetime.fromtimestamp(AT // 1_000 - 90, UTC), usegmt=True), None),
        ("999999999", 24 * 3_600),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 24 * 3_600),
        ("0", None),
        *((nonsense, None) for nonsense in ("", "-5", "soon", "1e9", "Fri, 99 Foo 2026", "٣", "1" * 4_000)),
    ],
)
async def test_retry_after_is_kept_within_a_day(asked: str, wait_s: int | None) -> None:
    answer = await answer_of(answering(429, {"Retry-After": asked}))
    assert answer == Answer(False, "answered 429", retry_after_ms=wait_s and wait_s * 1_000)


async def test_a_receiver_that_hangs_is_left_after_the_time_limit() -> None:
    assert await answer_of(hanging, SHORT) == Answer(False, "no answer within 0.3 s")


async def test_an_answer_that_never_ends_is_read_only_so_far() -> None:
    given_bytes = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal given_bytes
        response = web.StreamResponse(headers={"Content-Length": str(1 << 30)})
        await response.prepare(request)
        while given_bytes < 1 << 30:
            await response.write(b"x" * 65_536)
            given_bytes += 65_536
        return response

    async with receiving(flood) as receiver:
        assert await sent(receiver, settings=replace(PATIENT, answer_s=30)) == Answer(True, "answered 200")
    assert given_bytes < 1 << 25  # what the buffers of two sockets hold


async def test_a_body_that_comes_byte_by_byte_does_not_hold_up_the_success() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await request.app[RECEIVER].released.wait()
        return response

    assert await answer_of(drip) == Answer(True, "answered 200")


async def test_headers_that_come_byte_by_byte_end_at_the_time_limit() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"a")
            await writer.drain()
            await asyncio.wait([asyncio.ensure_future(reader.read(1 << 16))], timeout=0.01)
            if reader.at_eof():
                return

    async with talking(drip) as receiver:
        assert await sent(receiver, settings=SHORT) == Answer(False, "no answer within 0.3 s")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "the receiver cut the connection before it answered"),
        (b"HTTP/1.1 200 OK\r\nContent-", "the receiver cut the connection before it answered"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "the receiver's answer is no HTTP (ClientResponseError)"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"a" * 100_000 + b"\r\n\r\n", "is no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "answered 200"),
    ],
    ids=["cut", "cut in a header", "another protocol", "a long header", "a body that cannot be unpacked"],
)
async def test_an_answer_that_is_none_is_said_in_words(said: bytes, words: str) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    async with talking(say) as receiver:
        answer = await sent(receiver)
    assert words in answer.words and answer.ok == words.startswith("answered")


async def test_nobody_listening_is_said_in_words() -> None:
    async with receiving(answering(200)) as receiver:
        pass
    assert await sent(receiver) == Answer(False, "no connection to the receiver: Connection refused")


async def test_only_a_certificate_that_fits_is_trusted(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other")
    answers = []
    for signed in (ours.certificate("right"), other.certificate("wrong"), ours.certificate("old", (-2 * DAY, -DAY))):
        async with receiving(answering(200), signed.of_server) as receiver:
            answers.append(await sent(receiver, settings=replace(PATIENT, ca_file=ours.ca_file)))
    untrusted = Answer(False, "the receiver's TLS certificate is not trusted")
    assert answers == [Answer(True, "answered 200"), untrusted, untrusted]


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving(answering(200)) as proxy, receiving(answering(204)) as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.host}")
        monkeypatch.delenv("no_proxy", raising=False)
        assert (await sent(receiver)).words == "answered 204"
    assert proxy.requests == []


async def test_cookies_are_forgotten() -> None:
    async with receiving(answering(200, {"Set-Cookie": "who=me"})) as receiver:
        host = f"receiver.example:{receiver.port}"
        settings = replace(PATIENT, allowed_hosts=frozenset((host,)))
        channel = Webhook(Http(settings, resolver=Names([["127.0.0.1"]])), Secrets())
        for _ in range(2):
            assert (await channel.send(HOOK, notice_of(), [f"http://{host}/"], AT)).ok
        await channel.close()
    assert ["Cookie" in headers for _, headers, _ in receiver.requests] == [False, False]


async def test_receivers_that_hang_hold_up_no_other() -> None:
    hung_max = 120  # more than the places that a client has by default
    async with receiving(hanging) as dead, receiving(answering(200)) as alive, asyncio.timeout(20):
        settings = replace(PATIENT, allowed_hosts=frozenset((dead.host, alive.host)))
        channel = Webhook(Http(settings), Secrets())
        hung = [asyncio.create_task(channel.send(HOOK, notice_of(), [dead.url], AT)) for _ in range(hung_max)]
        for _ in range(hung_max):
            await dead.arrived.acquire()
        assert (await channel.send(HOOK, notice_of(), [alive.url], AT)).ok
        assert not any(task.done() for task in hung)
        for task in hung:
            task.cancel()
        await asyncio.gather(*hung, return_exceptions=True)
        await channel.close()
