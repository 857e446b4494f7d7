"""The pages about notices: their receivers take what the service sends, and their examples and tables are true."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

import apprise
import pytest
import yaml
from prometheus_client import CollectorRegistry

from peserta.intake.subscription_files import read_subscriptions
from schemas.notices import STATES, Notice
from schemas.subscriptions import ALERTMANAGER, CHAT, Subscription
from sinks.notices.channels import cloud_event
from sinks.notices.channels.alertmanager import FIRING_FOR_MS, NAME, NAME_OF_SAMPLE, RESEND_AFTER_S, Alertmanager
from sinks.notices.channels.http import Http
from sinks.notices.channels.settings import ATTEMPT_S, ChannelSettings
from sinks.notices.channels.webhook import Webhook
from sinks.notices.metrics import NotifierMetrics
from sinks.notices.notifier import wall_ms
from sinks.notices.readiness import NotifierStatus
from sinks.notices.retrying import AFTER_MS, GIVEN_UP_AFTER_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Answer
from sinks.notices.secrets import Secrets
from sinks.notices.texts.composing import compose
from tests.support.alerts import alert
from tests.support.notices import AT, HOOK, notice_of
from tests.support.receivers import answering, receiving

TOP: Final = Path(__file__).parents[2]
PAGE: Final = (TOP / "docs/alerts.md").read_text(encoding="utf-8")
LIMIT_S: Final = 30
PORT: Final = "8000"
RECEIVERS: Final = ("receiver.py", "plain_receiver.py")
RECEIVER_LINES_MAX: Final = 23  # without blank ones
UNITS: Final = {"s": SECOND_MS, "min": MINUTE_MS, "h": HOUR_MS}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def section(heading: str) -> str:
    """The text below a heading, up to the next one."""
    (found,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^##|\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
    return str(found)


# ---------------------------------------------------------------- receivers


@contextmanager
def running(name: str, folder: Path) -> Iterator[tuple[str, IO[str]]]:
    """The receiver of this file name on the page: its URL, and what it prints. It takes a free port."""
    (script,) = (block for block in blocks("python") if block.startswith(f"# {name}\n"))
    assert script.count(PORT) == 1
    tells_port = script.replace(PORT, "0").replace('print("waiting"', "print(server.server_port")
    process = subprocess.Popen(
        [sys.executable, "-c", tells_port],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TOP / "clients/python/src")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/alerts", process.stdout
    finally:
        process.kill()
        process.communicate(timeout=LIMIT_S)


def send(url: str, folder: Path, notice: Notice, *secrets: str) -> Answer:
    """The answer of an attempt by the service's own channel."""

    async def attempt() -> Answer:
        host = url.split("/")[2]
        channel = Webhook(Http(ChannelSettings(frozenset((host,)))), Secrets(folder))
        try:
            return await channel.send(replace(HOOK, secrets=secrets), notice, [url], wall_ms())
        finally:
            await channel.close()

    return asyncio.run(attempt())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with `secrets/payroll`, as the commands on the page make it, and with another secret."""
    (script,) = (block for block in blocks("sh") if "umask" in block)
    for name in ("other", "payroll"):
        lines = [
            line.replace("payroll", name) for line in script.splitlines() if "secrets" in line and "peserta" not in line
        ]
        subprocess.run(["bash", "-euc", "\n".join(lines)], cwd=tmp_path, check=True, timeout=LIMIT_S)
    return tmp_path


@pytest.mark.parametrize("name", RECEIVERS)
def test_a_receiver_takes_what_the_service_signs_and_nothing_else(name: str, folder: Path) -> None:
    keys = folder / "secrets"
    first, second = notice_of(), notice_of(alert("C2", gap_people=9))
    with running(name, folder) as (url, printed):
        assert send(url, keys, first).words == "answered 401"
        assert send(url, keys, first, "other").words == "answered 401"
        assert send(url, keys, first, "payroll").words == "answered 204"
        assert send(url, keys, first, "other", "payroll").words == "answered 204"
        assert send(url, keys, second, "payroll").words == "answered 204"
        said = [printed.readline().rstrip("\n") for _ in range(2)]
    if name == "receiver.py":
        assert said == ["firing C1 7", "firing C2 9"], "a repeat is passed over"
    else:
        assert said == ["Tujuh orang.", ""]


@pytest.mark.parametrize("name", RECEIVERS)
def test_a_receiver_with_two_secrets_takes_either(name: str, folder: Path) -> None:
    keys = folder / "secrets"
    both = [(keys / secret).read_text() for secret in ("payroll", "other")]
    (folder / "secrets/payroll-2").write_text(both[0])
    (folder / "secrets/payroll-2").chmod(0o600)
    (keys / "payroll").write_text("".join(both))
    with running(name, folder) as (url, _):
        assert send(url, keys, notice_of(), "payroll-2").words == "answered 204"
        assert send(url, keys, notice_of(), "other").words == "answered 204"


@pytest.mark.parametrize("name", RECEIVERS)
def test_a_receiver_is_short(name: str) -> None:
    (script,) = (block for block in blocks("python") if block.startswith(f"# {name}\n"))
    assert len([line for line in script.splitlines() if line.strip()]) <= RECEIVER_LINES_MAX


# ---------------------------------------------------------------- examples


def test_the_mail_is_the_text_that_people_have_read() -> None:
    (shown,) = blocks("text")
    golden = (TOP / "tests/unit/sinks/notices/texts/firing.en.txt").read_text(encoding="utf-8")
    assert shown == f"Subject: {golden}"


def test_examples_of_subscriptions_are_taken(tmp_path: Path) -> None:
    found: list[Subscription] = []
    for number, text in enumerate(block for block in blocks("yaml") if "subscription_id" in block):
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
        found += read_subscriptions([tmp_path / f"{number}.yaml"])
    assert [one.channel for one in found] == [ALERTMANAGER, CHAT]


def test_alertmanager_is_told_what_its_configuration_looks_for() -> None:
    (text,) = (block for block in blocks("yaml") if "receivers" in block)
    routes = yaml.safe_load(text)["route"]["routes"]
    assert [route["matchers"] for route in routes] == [[f'alertname="{name}"'] for name in (NAME_OF_SAMPLE, NAME)]
    [told] = Alertmanager(Http(ChannelSettings()), Secrets(), compose).alerts(notice_of(alert(at=AT)), AT)
    named = set(re.findall(r"`(\w+)`", section("Alertmanager")))
    assert {*told["labels"], *told["annotations"], told["labels"]["severity"]} <= named
    assert {*routes[1]["group_by"]} <= {*told["labels"]}
    assert f"every {RESEND_AFTER_S // 60} minutes" in PAGE
    assert f"down for {FIRING_FOR_MS // HOUR_MS} hours" in PAGE


def test_every_address_of_a_chat_is_one_that_apprise_knows() -> None:
    rows = [
        line for line in section("Slack, Telegram, WhatsApp").splitlines() if "://" in line and line.startswith("|")
    ]
    urls = [url for row in rows for url in re.findall(r"`(\w+://[^`]+)`", row)]
    assert len(urls) == len(rows) >= 5
    assert [url for url in urls if not apprise.Apprise().add(url)] == []


# ---------------------------------------------------------------- tables


def test_every_state_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \|", section("What became of a notice"), flags=re.MULTILINE) == [*STATES]


def test_the_times_are_those_of_the_service() -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith("| the first attempt |"))
    times = [int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", row)]
    assert times == [*AFTER_MS]
    assert f"until {GIVEN_UP_AFTER_MS // HOUR_MS} h after the first" in PAGE
    assert f"within {ATTEMPT_S:g} s" in PAGE


def test_operators_know_every_metric_of_the_notifier() -> None:
    registry = CollectorRegistry()
    NotifierMetrics(registry, NotifierStatus())
    names = {metric.name + "_total" * (metric.type == "counter") for metric in registry.collect()}
    page = (TOP / "docs/operators.md").read_text(encoding="utf-8")
    assert {*re.findall(r"^\| `(peserta_notifier_\w+)` \|", page, flags=re.MULTILINE)} == names


async def test_the_tables_of_a_webhook_have_what_is_sent(folder: Path) -> None:
    keys = folder / "secrets"
    async with receiving(answering(204)) as receiver:
        channel = Webhook(Http(ChannelSettings(frozenset((receiver.host,)))), Secrets(keys))
        await channel.send(replace(HOOK, secrets=("payroll",)), notice_of(), [receiver.url], AT)
        await channel.close()
    [(_, headers, _)] = receiver.requests
    named = set(re.findall(r"^\| `([\w-]+)` \|", section("A webhook"), flags=re.MULTILINE))
    ours = {name.lower() for name in headers if name.lower().startswith("webhook-")}
    assert named == ours | {"id", "type", "subject", "time", "data"}
    assert named - ours <= cloud_event.event(notice_of()).keys()
