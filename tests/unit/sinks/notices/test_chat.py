"""Chat by the real Apprise, whose generic JSON service posts to a real receiver."""

import importlib.util
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from schemas.subscriptions import Subscription
from sinks.notices.channels.chat import NOT_INSTALLED, Chat
from sinks.notices.channels.settings import ChannelSettings
from sinks.notices.retrying import Answer
from sinks.notices.secrets import Secrets
from tests.support.notices import AT, notice_of
from tests.support.receivers import Receiver, answering, hanging, receiving

CHAT: Final = Subscription("chat", "chat", (), effective_from=0, secrets=("team",))
TOKEN: Final = "T0KENofTHEteam"


def channel(folder: Path, url: str, limit_s: float = 20) -> Chat:
    (folder / "team").write_text(url)
    (folder / "team").chmod(0o600)
    return Chat(ChannelSettings(attempt_s=limit_s), Secrets(folder))


def apprise_url(receiver: Receiver) -> str:
    return f"json://me:{TOKEN}@{receiver.host}/{TOKEN}"


async def test_a_service_gets_subject_and_text_and_nobody_sees_its_url(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = []
    for status in (200, 500):
        async with receiving(answering(status)) as receiver:
            chat = channel(tmp_path, apprise_url(receiver))
            answers.append(await chat.send(CHAT, notice_of(), (), AT))
            await chat.close()
        [(path, _, body)] = receiver.requests
        said: dict[str, Any] = json.loads(body)
        assert path == f"/{TOKEN}"
        assert (said["title"], said["message"]) == ("Kurang tujuh orang", "Tujuh orang.")
    assert answers == [Answer(True, "taken by the chat service"), Answer(False, "the chat service did not take it")]
    ours = [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]  # the receiver's log
    assert not any(TOKEN in line for line in ours)


@pytest.mark.parametrize("url", ["https//nothing", "nosuchservice://x"])
async def test_a_url_that_apprise_does_not_know_is_not_quoted(tmp_path: Path, url: str) -> None:
    answer = await channel(tmp_path, url).send(CHAT, notice_of(), (), AT)
    assert answer == Answer(False, "secret team holds no URL that Apprise knows")


async def test_without_a_secret_nothing_is_sent(tmp_path: Path) -> None:
    chat = Chat(ChannelSettings(), Secrets(tmp_path))
    missing = await chat.send(CHAT, notice_of(), (), AT)
    none = await chat.send(replace(CHAT, secrets=()), notice_of(), (), AT)
    assert missing.words == "secret team: its file cannot be read: No such file or directory"
    assert none.words == "the subscription names no secret with the URL of the chat service"


async def test_a_service_that_hangs_holds_up_only_its_own_subscription(tmp_path: Path) -> None:
    async with receiving(hanging) as dead, receiving(answering(200)) as alive:
        chat = channel(tmp_path, f"{apprise_url(dead)}?rto=30&cto=30", limit_s=0.3)
        first = await chat.send(CHAT, notice_of(), (), AT)
        again = await chat.send(CHAT, notice_of(), (), AT)
        (tmp_path / "team").write_text(apprise_url(alive))
        patient = Chat(ChannelSettings(), Secrets(tmp_path))
        other = await patient.send(replace(CHAT, subscription_id="other"), notice_of(), (), AT)
        await chat.close()
        await patient.close()
    assert first == Answer(False, "no answer of the chat service within 0.3 s")
    assert again == Answer(False, "the attempt before has not ended yet")
    assert other.ok


async def test_a_machine_without_apprise_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    answer = await channel(tmp_path, "json://x").send(CHAT, notice_of(), (), AT)
    assert answer == Answer(False, NOT_INSTALLED)
