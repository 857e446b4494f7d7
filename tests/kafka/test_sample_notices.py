"""`peserta subscriptions test` on a real broker, with a real receiver and a real mail server."""

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from standardwebhooks import Webhook as Verifier

from peserta.operations.kafka_reading import end_offsets
from peserta.operations.record_writing import write_records
from peserta.operations.topics import make_topics
from peserta.settings import Settings, read_settings
from schemas.codec import OutputCodec
from schemas.contacts import Contact
from schemas.records import Company
from schemas.subscriptions import COMPLIANCE_TEAM, Subscription
from tests.support.mail_server import mail_server
from tests.support.receivers import answering, receiving
from tests.support.told import peserta, surroundings

WRITTEN_TO: Final = "sri@pt.example"
COMPANY: Final = Company("C1", "PT Sepatu Maju", team=(Contact("Sri", email=WRITTEN_TO),))
TEAM: Final = Subscription("team", "email", (COMPLIANCE_TEAM,), 20_000)
KEY: Final = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
async def settings(kafka_address: str, topic_prefix: str, tmp_path: Path) -> Settings:
    made = read_settings(
        kafka=kafka_address, topic_prefix=topic_prefix, partitions=1, data_dir=tmp_path, clock="replay"
    )
    await make_topics(made)
    await write_records(made, made.topics.companies, [("C1", OutputCodec().encode_company(COMPANY))])
    await write_records(made, made.topics.companies, [("C2", OutputCodec().encode_company(Company("C2")))])
    return made


async def apply(settings: Settings, *subscriptions: Subscription) -> None:
    records = [(one.subscription_id, one.encode()) for one in subscriptions]
    await write_records(settings, settings.topics.subscriptions, records)


async def told(settings: Settings, *arguments: str, code: int = 0, **notice_settings: Any) -> str:
    """The output of `peserta subscriptions test`, while receivers in this process answer it."""
    environment = surroundings(
        kafka=str(settings.kafka),
        topic_prefix=settings.topic_prefix,
        data_dir=str(settings.data_dir),
        **{name: str(value) for name, value in notice_settings.items()},
    )
    return await asyncio.to_thread(peserta, environment, "subscriptions", "test", *arguments, code=code)


async def everything(settings: Settings) -> dict[Any, int]:
    topics = settings.topics
    names = [topics.subscriptions, topics.notices, topics.notice_orders, topics.handling, topics.alerts, topics.journal]
    return dict(await end_offsets(settings.kafka, names))


async def test_a_webhook_gets_a_signed_sample_and_nothing_is_stored(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "hook").write_text(KEY)
    (tmp_path / "hook").chmod(0o600)
    async with receiving(answering(204)) as receiver:
        await apply(settings, Subscription("hook", "webhook", (receiver.url,), 20_000, secrets=("hook",)))
        before = await everything(settings)
        given: dict[str, Any] = {"notice_secrets_dir": tmp_path, "notice_allowed_hosts": receiver.host}
        shown = await told(settings, "hook", "--dry-run", **given)
        assert receiver.requests == []
        said = await told(settings, "hook", **given)
        refused = await told(settings, "hook", code=1)
    assert said == "The sample was taken: answered 204.\n"
    assert "PESERTA_NOTICE_" in refused
    assert not [secret for secret in (KEY, receiver.url) if secret in shown + said + refused]
    [(_, headers, body)] = receiver.requests
    event = Verifier(KEY).verify(body, {name.lower(): value for name, value in headers.items()})
    assert event["type"] == "id.peserta.alert.sample.v1"
    assert await everything(settings) == before

    text, _, request = shown.partition("\n\nContent-Type: ")
    head, _, body_shown = request.partition("\n\n")
    headers_shown = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    assert text.startswith("UJI COBA: PT Contoh")
    assert Verifier(KEY).verify(body_shown.rstrip("\n"), headers_shown)["data"]["text"] in text + "\n"
    assert json.loads(body_shown).keys() == event.keys()


async def test_the_team_of_a_company_is_written_to(settings: Settings) -> None:
    async with mail_server() as mail:
        await apply(settings, TEAM, replace(TEAM, subscription_id="list", to=("budi@house.example",)))
        given: dict[str, Any] = {
            "mail_host": "127.0.0.1",
            "mail_port": mail.port,
            "mail_tls": "none",
            "mail_sender": "peserta@house.example",
        }
        said = await told(settings, "team", "--company", "C1", **given)
        refusals = {
            words: await told(settings, *arguments, code=code, **given)
            for words, arguments, code in (
                ("say with --company whose contacts", ["team"], 2),
                ("There is no company C9", ["team", "--company", "C9"], 2),
                ("the company has no contacts", ["team", "--company", "C2"], 1),
                ("receivers of its own", ["list", "--company", "C1"], 2),
            )
        }
    assert said == "The sample was taken: taken for 1 of 1.\n"
    assert [recipients for recipients, _ in mail.taken] == [[WRITTEN_TO]]
    assert [words for words, sentence in refusals.items() if words not in sentence] == []
    assert WRITTEN_TO not in said + "".join(refusals.values())


@pytest.mark.parametrize(
    ("arguments", "words"), [(["gone"], "has ended: nothing is sent to it"), (["x"], "There is no subscription x")]
)
async def test_a_subscription_that_is_not_in_force_is_refused(
    settings: Settings, arguments: Sequence[str], words: str
) -> None:
    await apply(settings, replace(TEAM, subscription_id="gone", ended_at=10))
    assert words in await told(settings, *arguments, "--dry-run", code=2)
