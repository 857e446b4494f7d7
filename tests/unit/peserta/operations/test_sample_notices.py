"""A sample by each channel against real receivers: what arrives, and what to do when it is not taken."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from peserta.operations.failure import NotAsAsked
from peserta.operations.sample_notices import OTHER_ADVICE, Sample, send_sample
from peserta.settings import Settings, read_settings
from schemas.subscriptions import COMPLIANCE_TEAM, LANGUAGES, Subscription
from sinks.notices.sample import COMPANY_NAME, sample
from sinks.notices.texts.composing import compose
from tests.support.mail_server import mail_server
from tests.support.notices import AT
from tests.support.receivers import Receiver, answering, receiving

WRITTEN_TO: Final = "sri@pt.example"
KEY: Final = "whsec_" + base64.b64encode(b"k" * 32).decode()


@dataclass(frozen=True)
class Place:
    """What an attempt is made with: a receiver, a mail server's port, and a folder of secrets."""

    receiver: Receiver
    mail_port: int
    folder: Path

    def allowing(self, **more: Any) -> Settings:
        """Settings under which everything arrives."""
        mail = {"mail_host": "127.0.0.1", "mail_port": self.mail_port, "mail_tls": "none", "mail_sender": "p@h.example"}
        return read_settings(**mail, notice_allowed_hosts=self.receiver.host, notice_secrets_dir=self.folder, **more)

    def hook(self, *secrets: str) -> Subscription:
        return Subscription("s", "webhook", (self.receiver.url,), 0, secrets=secrets)


def secret(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    (folder / name).chmod(0o600)


def to_contacts(*addresses: str) -> tuple[Subscription, tuple[str, ...]]:
    return Subscription("s", "email", (COMPLIANCE_TEAM,), 0), addresses


async def attempt(settings: Settings, subscription: Subscription, to: tuple[str, ...] | None = None) -> str:
    """The receiver's answer, or the sentence of the failure."""
    made = Sample(subscription, sample(subscription, compose, AT), subscription.to if to is None else to)
    try:
        return (await send_sample(settings, made, AT)).words
    except NotAsAsked as failure:
        return str(failure)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_is_marked_and_about_nobody(language: str) -> None:
    one = Subscription("s", "webhook", ("https://receiver.example",), 0, language=language)
    made, later = sample(one, compose, AT), sample(one, compose, AT + 1)
    assert made.message is not None
    assert made.message.text.startswith({"id": "UJI COBA:", "en": "TEST:"}[language])
    assert COMPANY_NAME in made.message.subject
    assert made.notice_id != later.notice_id


async def test_every_channel_takes_a_sample(tmp_path: Path) -> None:
    async with receiving(answering(200)) as receiver, mail_server() as mail:
        place = Place(receiver, mail.port, tmp_path)
        secret(tmp_path, "team", f"json://{receiver.host}/chat")
        manager = Subscription("s", "alertmanager", (f"http://{receiver.host}",), 0)
        said = [
            await attempt(place.allowing(), place.hook()),
            await attempt(place.allowing(), *to_contacts(WRITTEN_TO)),
            await attempt(place.allowing(), Subscription("s", "chat", (), 0, secrets=("team",))),
            await attempt(place.allowing(), manager),
        ]
    assert said == ["answered 200", "taken for 1 of 1", "taken by the chat service", "answered 200"]
    (_, _, hooked), (_, _, chatted), (_, _, alerted) = receiver.requests
    assert json.loads(hooked)["type"] == "id.peserta.alert.sample.v1"
    assert json.loads(chatted)["title"].startswith("UJI COBA:")
    assert [one["labels"]["alertname"] for one in json.loads(alerted)] == ["PesertaTest"]
    [(recipients, letter)] = mail.taken
    assert recipients == [WRITTEN_TO]
    assert b"UJI COBA" in letter


Case = tuple[str, int, Callable[[Place], tuple[Settings, Subscription]], str, str]
CASES: Final[list[Case]] = [
    ("a host that is not allowed", 200, lambda p: (read_settings(), p.hook()),
     "only to hosts that the operator allows", "PESERTA_NOTICE_ALLOWED_HOSTS"),
    ("a private address", 200,
     lambda p: (read_settings(), Subscription("s", "webhook", (p.receiver.url.replace("http", "https"),), 0)),
     "is not public", "PESERTA_NOTICE_ALLOWED_HOSTS"),
    ("no folder of secrets", 200,
     lambda p: (read_settings(notice_allowed_hosts=p.receiver.host), p.hook("hook")),
     "secret hook: no folder of secrets is set", "PESERTA_NOTICE_SECRETS_DIR"),
    ("no such secret", 200, lambda p: (p.allowing(), p.hook("nothing")),
     "secret nothing: its file cannot be read", "PESERTA_NOTICE_SECRETS_DIR"),
    ("a secret that is no key", 200, lambda p: (p.allowing(), p.hook("wrong")),
     "secret wrong is not whsec_ and base64", "PESERTA_NOTICE_SECRETS_DIR"),
    ("a chat without a secret", 200, lambda p: (p.allowing(), Subscription("s", "chat", (), 0)),
     "names no secret", "Name it as `secret`"),
    ("another secret there", 401, lambda p: (p.allowing(), p.hook("hook")), "answered 401", "the same secret"),
    ("a receiver that wants nothing more", 410, lambda p: (p.allowing(), p.hook()),
     "answered 410", "until the subscription is applied again"),
    ("a receiver that fails", 500, lambda p: (p.allowing(), p.hook()), "answered 500", OTHER_ADVICE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "given", "words", "advice"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
async def test_what_to_do_is_said(
    status: int, given: Callable[[Place], tuple[Settings, Subscription]], words: str, advice: str, tmp_path: Path
) -> None:
    secret(tmp_path, "hook", KEY)
    secret(tmp_path, "wrong", "not a key")
    async with receiving(answering(status)) as receiver:
        said = await attempt(*given(Place(receiver, 0, tmp_path)))
    assert said.startswith("The sample was not taken: ")
    assert words in said
    assert advice in said
    assert len(receiver.requests) == (status != 200)
    assert not [each for each in (receiver.host, KEY, "not a key") if each in said]


async def test_what_to_do_about_mail_is_said(tmp_path: Path) -> None:
    async with receiving(answering(200)) as receiver, mail_server(replies={"sender": "550 not you"}) as mail:
        place, letter = Place(receiver, mail.port, tmp_path), to_contacts(WRITTEN_TO)
        secret(tmp_path, "password", "of nobody")
        signing_in = place.allowing(mail_user="peserta", mail_password_file=tmp_path / "password")
        said = [
            await attempt(read_settings(), *letter),
            await attempt(place.allowing(), *to_contacts()),
            await attempt(place.allowing(), *letter),
            await attempt(signing_in, *letter),
        ]
    said.append(await attempt(place.allowing(), *letter))
    expected = (
        ("no mail server is set", "PESERTA_MAIL_HOST and PESERTA_MAIL_SENDER"),
        ("nobody to write to", "`peserta companies apply`"),
        ("refused the sender with 550", "PESERTA_MAIL_SENDER"),
        ("refused user or password with 535", "PESERTA_MAIL_USER"),
        ("no connection to the mail server", "PESERTA_MAIL_PORT"),
    )
    for sentence, parts in zip(said, expected, strict=True):
        assert [part for part in parts if part not in sentence] == [], sentence
        assert WRITTEN_TO not in sentence
