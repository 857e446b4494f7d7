"""A sample: a notice that somebody asked for by hand, to see whether a way out works. It is never stored."""

from typing import Final

from schemas.dates import jakarta_day
from schemas.notices import PENDING, SAMPLE, AlertFacts, Message, Notice
from schemas.public_json import stored_alert_json
from schemas.records import Alert, Instant
from schemas.subscriptions import ENGLISH, FIRING, INDONESIAN, Subscription
from sinks.notices.desk import Compose

# The sample is about nobody, so that no figure in it can be taken for a company's.
COMPANY_ID: Final = "SAMPLE"
COMPANY_NAME: Final = "PT Contoh"
POLICY_ID: Final = "sample"
TITLES: Final = {INDONESIAN: "contoh kebijakan", ENGLISH: "a sample policy"}


def sample(subscription: Subscription, compose: Compose, now: Instant, company_id: str | None = None) -> Notice:
    """A marked notice of an invented alert, for the subscription's own receivers, or for the contacts of a company.

    Its id has the time in it: a receiver that passes over repeats takes the next sample too.
    """
    facts = AlertFacts(stored_alert_json(_alert(now)), COMPANY_NAME, TITLES[subscription.language])
    return Notice(
        notice_id=f"{subscription.subscription_id}/sample/{now}",
        subscription_id=subscription.subscription_id,
        kind=SAMPLE,
        state=PENDING,
        seq=0,
        created_at=now,
        alert_id=facts.alert["alert_id"],
        company_id=company_id or COMPANY_ID,
        status=FIRING,
        message=compose(Message(subscription.language, SAMPLE, (facts,))),
    )


def _alert(now: Instant) -> Alert:
    on = jakarta_day(now)
    return Alert(
        alert_id=f"{COMPANY_ID}/{POLICY_ID}/1",
        status=FIRING,
        reason="crossed",
        company_id=COMPANY_ID,
        policy_id=POLICY_ID,
        policy_version=1,
        rule="level",
        threshold_bp=8_000,
        business_date=on,
        episode=1,
        episode_start=on,
        previous_state="met",
        active=100,
        covered=73,
        divisor=100,
        coverage_bp=7_300,
        gap_people=7,
        baseline_covered=None,
        baseline_divisor=None,
        uncovered=27,
        joined_30=5,
        left_30=2,
        gained_cover_30=1,
        lost_cover_30=4,
        cause="date",
        event_id=None,
        journal_partition=0,
        journal_offset=0,
        recorded_at=now,
    )
