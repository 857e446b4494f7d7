"""The rules of notices, on random stories of alerts, attempts, crashes, changed subscriptions and passing time.

What the receiver saw is written down beside the desk, and what must hold of it is checked at each attempt; at the end
of a story, time passes until everything has its fate.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from schemas.dates import DAY_MS
from schemas.notices import (
    ALERT,
    DELIVERED,
    DIGEST,
    GIVE_UP,
    GIVEN_UP,
    HELD,
    REMINDER,
    RETRY,
    SUPERSEDED,
    Message,
    Notice,
    Order,
    alert_notice_id,
)
from schemas.records import Alert, Instant
from schemas.subscriptions import FIRING, MINUTE_MS, RESOLVED, QuietHours, Subscription
from sinks.notices.desk import Desk, Reference
from sinks.notices.outbox import Outbox
from sinks.notices.retrying import GIVEN_UP_AFTER_MS, HOUR_MS, Answer
from sinks.notices.shelf import Shelf
from tests.support.alerts import ON, alert, resolved

START: Final = (ON + 1) * DAY_MS
COMPANIES: Final = ("C1", "C2", "C3")
DIRECT: Final = Subscription("direct", "webhook", ("https://r.example/a",), effective_from=0)
FORMS: Final[Mapping[str, dict[str, Any]]] = {
    "direct": {},
    "digest": {"digest": 8 * 60},
    "quiet": {"quiet_hours": (QuietHours(20 * 60, 6 * 60), QuietHours(0, 23 * 60, (5, 6)))},
    "reminded": {"remind_after_days": 2},
    "digest and reminders": {"digest": 0, "remind_after_days": 1},
    "firing only": {"statuses": (FIRING,), "remind_after_days": 1},
    "large gaps": {"min_gap_people": 5},
}
ANSWERS: Final = {
    "ok": Answer(True, "200 OK"),
    "failed": Answer(False, "500"),
    "later": Answer(False, "429", retry_after_ms=3 * 3_600_000),
    "refused": Answer(False, "certificate", is_final=True),
    "gone": Answer(False, "410", gone=True),
}


def compose(message: Message) -> Message:
    said = ", ".join(f"{one.alert['alert_id']} {one.alert['status']}" for one in message.alerts)
    return replace(message, subject=message.kind, text=f"{said}{' (never sent)' if message.superseding else ''}")


def is_quiet(hours: QuietHours, at: Instant) -> bool:
    """Minute by minute, as a person would look at a clock on the wall."""
    local = datetime.fromtimestamp(at / 1000, tz=timezone(timedelta(hours=7)))
    minute = local.hour * 60 + local.minute
    if hours.start < hours.end:
        return local.weekday() in hours.days and hours.start <= minute < hours.end
    evening = local.weekday() in hours.days and minute >= hours.start
    return evening or ((local.weekday() - 1) % 7 in hours.days and minute < hours.end)


class Notices(RuleBasedStateMachine):
    """A desk whose process may die at any moment, and a receiver that writes down everything."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.stored: dict[str, bytes] = {}
        self.reference = Reference({}, {}, {}, set())
        self.matched: dict[str, set[str]] = {}  # subscription -> "alert id/status" that it must hear of
        self.alerts: list[Alert] = []
        self.said: dict[str, Message] = {}  # notice id -> what the receiver saw
        self.received: list[str] = []
        self.flying: list[Notice] = []
        self.orders = 0
        self.begin_again()

    @initialize(forms=st.sets(st.sampled_from(sorted(FORMS)), min_size=1))
    def subscribe(self, forms: set[str]) -> None:
        self.reference.subscriptions = {
            name: replace(DIRECT, subscription_id=name, **FORMS[name]) for name in sorted(forms)
        }
        self.matched = {name: set() for name in forms}

    # ------------------------------------------------------------ the process

    def begin_again(self) -> None:
        self.shelf = Shelf()
        self.outbox = Outbox(self.shelf)
        self.desk = Desk(self.shelf, self.reference, compose)
        self.flying = []
        self.take_over([Notice.decode(value) for value in self.stored.values()])
        self.settle()

    def take_over(self, notices: list[Notice]) -> None:
        self.shelf.apply(notices)
        self.outbox.apply(notices)

    def store(self, notices: list[Notice]) -> None:
        for notice in notices:
            if notice.kind == DIGEST and notice.notice_id not in self.stored:
                self.check_digest(notice)
            self.stored[notice.notice_id] = notice.encode()
        self.take_over(notices)

    def check_digest(self, digest: Notice) -> None:
        """A digest tells what came before its time, and all of that."""
        assert digest.message is not None and digest.message.on is not None
        due_at = self.reference.subscriptions[digest.subscription_id].digest_at(digest.message.on)
        assert due_at <= self.now < due_at + DAY_MS
        held = [one for one in self.shelf.waiting(digest.subscription_id) if one.state == HELD and not one.digest_id]
        assert list(digest.items) == [one.notice_id for one in held if one.created_at < due_at]

    def settle(self) -> None:
        for _ in range(100):
            changed = self.desk.tick(self.now)
            if not changed:
                return
            self.store(changed)
        raise AssertionError("the desk finds no rest")

    # ------------------------------------------------------------ what happens

    @rule(company=st.sampled_from(COMPANIES), gap=st.sampled_from([3, 8]))
    def alert_comes(self, company: str, gap: int) -> None:
        before = [one for one in self.alerts if one.company_id == company]
        is_firing = not before or before[-1].status == RESOLVED
        episode = (before[-1].episode if before else 0) + is_firing
        new = alert(company, episode, FIRING if is_firing else RESOLVED, gap_people=gap, on=self.now // DAY_MS)
        self.alerts.append(new)
        for name, subscription in self.reference.subscriptions.items():
            told = f"{new.alert_id}/{FIRING}" in self.matched[name]
            wants_status = subscription.statuses is None or new.status in subscription.statuses
            large = (new.gap_people or 0) >= subscription.min_gap_people or (told and not is_firing)
            if wants_status and large and subscription.ended_at is None:
                self.matched[name].add(f"{new.alert_id}/{new.status}")
        self.store(self.desk.take(new, self.now, self.now))
        self.settle()

    @rule()
    def alerts_come_again(self) -> None:
        """The position was not stored with the last of them, or a new generation repeats them."""
        before = dict(self.stored)
        for one in self.alerts:
            changed = self.desk.take(one, self.now, self.now)
            assert not changed, "an alert was told twice"
        assert self.stored == before

    @rule(minutes=st.one_of(st.integers(1, 90), st.integers(90, 5 * 24 * 60)))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE_MS
        self.settle()

    @rule()
    def sends(self) -> None:
        for subscription in self.reference.subscriptions.values():
            notice = self.outbox.begin(subscription, self.now)
            if notice is not None:
                self.receive(notice, subscription)

    def receive(self, notice: Notice, subscription: Subscription) -> None:
        assert notice.message is not None
        assert self.said.setdefault(notice.notice_id, notice.message) == notice.message, "the content has changed"
        assert not any(is_quiet(hours, self.now) for hours in subscription.quiet_hours), "sent in quiet hours"
        if notice.kind == ALERT and notice.status == FIRING:
            assert self.shelf.resolved(notice) is None, "a firing is sent after its resolved was due"
        if notice.kind == DIGEST:
            digests = [one for one in self.shelf.all() if one.kind == DIGEST and one.seq < notice.seq]
            assert all(one.has_ended for one in digests if one.subscription_id == notice.subscription_id)
        if notice.kind == REMINDER:
            last = [one.status for one in self.alerts if one.alert_id == notice.alert_id]
            assert RESOLVED not in last, "people are reminded of what is over"
            assert notice.alert_id not in self.reference.acknowledged, "people are reminded of what they know"
        if notice.status == RESOLVED and notice.kind != DIGEST:
            firing = self.shelf.firing(notice.subscription_id, notice.alert_id or "")
            assert firing is None or firing.has_ended, "resolved before firing had ended"
            assert notice.message.superseding == (firing is not None and firing.state == SUPERSEDED)
        self.received.append(notice.notice_id)
        self.flying.append(notice)

    @rule(answer=st.sampled_from(sorted(ANSWERS)), which=st.integers(0, 6))
    def answer_comes(self, answer: str, which: int) -> None:
        if self.flying:
            notice = self.flying.pop(which % len(self.flying))
            self.store(self.outbox.end(notice.notice_id, ANSWERS[answer], self.now))
            self.outbox.landed(notice.notice_id)
            self.settle()

    @rule()
    def dies(self) -> None:
        self.begin_again()

    @rule(which=st.integers(0, 30), action=st.sampled_from([RETRY, GIVE_UP]))
    def somebody_orders(self, which: int, action: str) -> None:
        ids = sorted(self.stored)
        if ids:
            self.orders += 1
            order = Order(ids[which % len(ids)], action, self.now + self.orders, "officer")
            self.store(self.desk.order(order, self.now) or [])
            self.settle()

    @rule(company=st.sampled_from(COMPANIES))
    def somebody_acknowledges(self, company: str) -> None:
        mine = [one for one in self.alerts if one.company_id == company]
        if mine:
            self.reference.acknowledged = {*self.reference.acknowledged, mine[-1].alert_id}
            self.settle()

    @rule(which=st.integers(0, 6), form=st.sampled_from(["direct", "digest", "quiet", "reminded"]))
    def subscription_is_applied_again(self, which: int, form: str) -> None:
        """With another time of sending; what it is to hear stays."""
        name = sorted(self.reference.subscriptions)[which % len(self.reference.subscriptions)]
        times = {"digest": None, "quiet_hours": (), "remind_after_days": None, **FORMS[form]}
        changed = replace(self.reference.subscriptions[name], applied_at=self.now + 1, **times)
        self.reference.subscriptions = {**self.reference.subscriptions, name: changed}
        self.now += 2
        self.settle()

    # ------------------------------------------------------------ what must hold

    @invariant()
    def every_alert_has_one_notice_for_each_subscription_that_wants_it(self) -> None:
        for name, wanted in self.matched.items():
            made = {
                f"{one.alert_id}/{one.status}"
                for one in self.shelf.all()
                if one.subscription_id == name and one.kind == "alert"
            }
            assert made == wanted

    @invariant()
    def what_was_superseded_is_told_by_a_resolved_that_says_so(self) -> None:
        for one in self.shelf.all():
            if one.kind == "alert" and one.state == SUPERSEDED:
                value = self.stored[alert_notice_id(one.subscription_id, one.alert_id or "", RESOLVED)]
                message = Notice.decode(value).message
                assert message is not None and message.superseding

    def teardown(self) -> None:
        """Time passes, and every receiver takes what comes: nothing stays without a fate."""
        if not self.reference.subscriptions:
            return
        self.begin_again()
        self.reference.acknowledged = {one.alert_id for one in self.alerts}
        for _ in range(200):
            self.now += 6 * 60 * MINUTE_MS
            self.settle()
            self.sends()
            while self.flying:
                self.answer_comes("ok", 0)
                self.sends()
            if all(one.has_ended for one in self.shelf.all()):
                break
        rest = [one for one in self.shelf.all() if one.state not in (DELIVERED, GIVEN_UP, SUPERSEDED)]
        assert not rest, rest
        for one in self.shelf.all():
            if one.kind == "alert" and one.state == DELIVERED:
                assert {one.notice_id, one.digest_id or one.notice_id} & set(self.received)


Notices.TestCase.settings = hypothesis_settings(max_examples=150, stateful_step_count=40)
TestNotices = Notices.TestCase


class Told:
    """A desk with one subscription whose receiver takes everything at once."""

    def __init__(self, **form: Any) -> None:
        self.subscription = replace(DIRECT, **form)
        self.shelf = Shelf()
        self.outbox = Outbox(self.shelf)
        self.reference = Reference({"direct": self.subscription}, {}, {})
        self.desk = Desk(self.shelf, self.reference, compose)

    def store(self, notices: list[Notice]) -> None:
        self.shelf.apply(notices)
        self.outbox.apply(notices)

    def at(self, now: Instant, *alerts: Alert) -> list[str]:
        """The ids of what is sent now, when these alerts come."""
        for one in alerts:
            self.store(self.desk.take(one, now, now))
        while changed := self.desk.tick(now):
            self.store(changed)
        sent = []
        while notice := self.outbox.begin(self.subscription, now):
            sent.append(notice.notice_id)
            self.store(self.outbox.end(notice.notice_id, ANSWERS["ok"], now))
            self.outbox.landed(notice.notice_id)
        return sent


@pytest.mark.parametrize("statuses", [None, (FIRING,)], ids=["the end is told", "the end is not told"])
def test_people_are_reminded_until_the_alert_ends(statuses: tuple[str, ...] | None) -> None:
    told = Told(remind_after_days=2, statuses=statuses)
    assert told.at(START, alert()) == ["direct/C1/P1/1/firing"]
    assert told.at(START + DAY_MS) == []
    assert told.at(START + 2 * DAY_MS) == ["direct/C1/P1/1/reminder/1"]
    assert told.at(START + 3 * DAY_MS) == []
    assert told.at(START + 4 * DAY_MS) == ["direct/C1/P1/1/reminder/2"]
    assert told.at(START + 5 * DAY_MS, resolved()) == ([] if statuses else ["direct/C1/P1/1/resolved"])
    assert told.at(START + 9 * DAY_MS) == []


def test_people_who_know_are_not_reminded() -> None:
    told = Told(remind_after_days=1)
    told.at(START, alert())
    told.reference.acknowledged = {"C1/P1/1"}
    assert told.at(START + 9 * DAY_MS) == []
    assert told.at(START + 9 * DAY_MS, resolved()) == ["direct/C1/P1/1/resolved"]


def test_a_reminder_that_was_held_back_is_not_sent_to_people_who_know_by_then() -> None:
    told = Told(remind_after_days=1, quiet_hours=(QuietHours(7 * 60, 8 * 60),))  # START is at seven
    told.at(START + 2 * HOUR_MS, alert())
    assert told.at(START + 3 * DAY_MS) == []
    told.reference.acknowledged = {"C1/P1/1"}
    assert told.at(START + 3 * DAY_MS + 2 * HOUR_MS) == []


def test_an_attempt_is_repeated_later_and_later_and_given_up_after_three_days() -> None:
    shelf = Shelf()
    outbox = Outbox(shelf)
    desk = Desk(shelf, Reference({"direct": DIRECT}, {}, {}), compose)

    def store(notices: list[Notice]) -> None:
        shelf.apply(notices)
        outbox.apply(notices)

    store(desk.take(alert(), START, START))
    now, waits = START, []
    while (notice := outbox.begin(DIRECT, now)) is not None:
        store(outbox.end(notice.notice_id, ANSWERS["failed"], now))
        outbox.landed(notice.notice_id)
        at = outbox.next_at(DIRECT, now)
        if at is None:
            break
        waits.append((at - now) / 1000)
        now = at
    assert shelf[notice.notice_id].state == GIVEN_UP if notice else False
    lower = [5, 30, 120, 600, 1_800, *[3_600] * (len(waits) - 5)]
    assert all(low <= waited <= low * 1.1 for low, waited in zip(lower, waits, strict=True))
    assert GIVEN_UP_AFTER_MS - 2 * 3_600_000 < now - START <= GIVEN_UP_AFTER_MS


def test_a_firing_under_way_when_the_digest_of_its_end_is_due_is_not_sent_after_it() -> None:
    """Its subscription was applied again, with a digest, while the attempt was under way. The attempt fails."""
    told = Told()
    told.store(told.desk.take(alert(), START, START))
    firing = told.outbox.begin(told.subscription, START)
    assert firing is not None
    told.subscription = replace(told.subscription, digest=8 * 60)
    told.reference.subscriptions = {"direct": told.subscription}
    assert told.at(START, resolved()) == []
    assert told.at(START + HOUR_MS) == []
    told.store(told.outbox.end(firing.notice_id, ANSWERS["failed"], START + HOUR_MS))
    told.outbox.landed(firing.notice_id)
    assert told.at(START + HOUR_MS) == ["direct/digest/2026-02-17"]
    assert told.shelf[firing.notice_id].state == SUPERSEDED
    assert told.at(START + 2 * HOUR_MS) == []


def test_an_alert_that_ends_with_its_policy_before_the_digest_is_told_as_over_and_one_after_it_in_the_next() -> None:
    """The day on which a policy ends: its alerts end as not evaluable."""
    told = Told(digest=8 * 60)
    over = replace(resolved(), reason="not_evaluable")
    assert told.at(START, alert(), alert("C2")) == []
    assert told.at(START + MINUTE_MS, over) == []
    assert told.at(START + HOUR_MS) == ["direct/digest/2026-02-17"]
    states = [told.shelf[f"direct/{name}"].state for name in ("C1/P1/1/firing", "C1/P1/1/resolved", "C2/P1/1/firing")]
    assert states == [SUPERSEDED, DELIVERED, DELIVERED]
    assert told.at(START + 2 * HOUR_MS, replace(resolved("C2"), reason="not_evaluable")) == []
    assert told.at(START + HOUR_MS + DAY_MS) == ["direct/digest/2026-02-18"]
    assert told.shelf["direct/C2/P1/1/resolved"].state == DELIVERED
