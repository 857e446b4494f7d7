"""What the demonstration proves about notices: it finds one that is missing, repeated otherwise, or not signed."""

import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from peserta.demo.receiver import SUBSCRIPTION, Receiver
from peserta.demo.telling import prove_told
from schemas.notices import DELIVERED, SUPERSEDED, Notice
from schemas.records import Alert
from sinks.notices.channels import standard_webhooks
from tests.support.alerts import alert, resolved
from tests.support.notices import notice_of

ALERTS: list[Alert] = [alert("C1"), alert("C2"), resolved("C2")]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(secrets.token_bytes(32), "", "", Path())


def notices() -> list[Notice]:
    """The firing of C2 was over before it could be told."""
    made = [notice_of(one, SUBSCRIPTION).ended(DELIVERED, "200 OK", 1) for one in ALERTS]
    return [made[0], replace(made[1], state=SUPERSEDED), made[2]]


def send(receiver: Receiver, notice: Notice, body: bytes = b"{}", key: bytes | None = None) -> int:
    headers = standard_webhooks.headers(notice.notice_id, body, [key or receiver.key], 1_760_000_000_000)
    return receiver.take(headers, body)


def holds(receiver: Receiver, made: list[Notice]) -> list[bool]:
    states = {one.notice_id: one.state for one in made}
    fates, clickhouse, came = (finding.holds for finding in prove_told(ALERTS, made, states, receiver))
    assert clickhouse
    return [fates, came]


def test_alerts_that_were_told_once_hold_and_a_repeat_with_the_same_content_too(receiver: Receiver) -> None:
    made = notices()
    assert [send(receiver, made[0]), send(receiver, made[0]), send(receiver, made[2])] == [204, 204, 204]
    assert holds(receiver, made) == [True, True]


def test_a_fate_that_is_missing_is_found(receiver: Receiver) -> None:
    made = notices()
    send(receiver, made[0])
    send(receiver, made[2])
    assert holds(receiver, [made[0], notice_of(ALERTS[1], SUBSCRIPTION), made[2]]) == [False, True]


def test_what_the_receiver_did_not_get_or_got_with_another_content_is_found(receiver: Receiver) -> None:
    made = notices()
    send(receiver, made[0])
    assert holds(receiver, made) == [True, False]
    send(receiver, made[2])
    send(receiver, made[2], b"[]")
    assert holds(receiver, made) == [True, False]


def test_what_nobody_signed_is_not_taken_and_found(receiver: Receiver) -> None:
    made = notices()
    send(receiver, made[0])
    send(receiver, made[2])
    assert send(receiver, made[0], b"{}", secrets.token_bytes(32)) == 401
    assert holds(receiver, made) == [True, False]


def test_a_notice_that_clickhouse_has_in_another_state_is_found(receiver: Receiver) -> None:
    made = notices()
    states = {one.notice_id: one.state for one in made} | {made[1].notice_id: DELIVERED}
    assert [finding.holds for finding in prove_told(ALERTS, made, states, receiver)][1] is False
