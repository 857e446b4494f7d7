"""Notices for tests of what sends them."""

from dataclasses import replace
from typing import Final

from schemas.notices import ALERT, DIGEST, PENDING, REMINDER, AlertFacts, Message, Notice, alert_notice_id
from schemas.public_json import stored_alert_json
from schemas.records import Alert, Instant
from schemas.subscriptions import FIRING, Subscription
from tests.support.alerts import alert

AT: Final[Instant] = 1_771_300_000_000

HOOK: Final = Subscription("hook", "webhook", ("https://receiver.example/hook",), effective_from=0)


def facts_of(told: Alert, company_name: str | None = "PT Sepatu Maju", title: str = "Seperlima") -> AlertFacts:
    return AlertFacts(stored_alert_json(told), company_name, title)


def notice_of(told: Alert | None = None, subscription_id: str = "hook", text: str = "Tujuh orang.\n") -> Notice:
    """A notice of one alert."""
    told = told or alert(at=AT)
    return Notice(
        alert_notice_id(subscription_id, told.alert_id, told.status),
        subscription_id,
        ALERT,
        PENDING,
        1,
        AT,
        alert_id=told.alert_id,
        company_id=told.company_id,
        status=told.status,
        message=Message("id", ALERT, (facts_of(told),), subject="Kurang tujuh orang", text=text),
    )


def reminder_of(notice: Notice) -> Notice:
    """The first reminder of this firing."""
    assert notice.message is not None
    message = replace(notice.message, kind=REMINDER, number=1)
    return replace(
        notice, notice_id=f"hook/{notice.alert_id}/reminder/1", kind=REMINDER, status=FIRING, message=message
    )


def digest_of(*told: Alert) -> Notice:
    """A digest of these alerts."""
    message = Message("id", DIGEST, tuple(facts_of(one) for one in told), on=20_500, subject="Ringkasan", text="Dua.\n")
    return Notice("hook/digest/2026-02-16", "hook", DIGEST, PENDING, 3, AT, message=message)
