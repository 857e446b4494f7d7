"""The rules of notices (SEMANTICS 13): which alerts are told to whom, when, and what ends without being sent.

The desk never sends and never stores. Each method returns the notices that change; the caller stores them in one
transaction and then applies them to the shelf. What was not stored has not happened.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from schemas.dates import DAY_MS
from schemas.notices import (
    ALERT,
    DELIVERED,
    DIGEST,
    GIVE_UP,
    GIVEN_UP,
    HELD,
    PENDING,
    REMINDER,
    RETRY,
    SUPERSEDED,
    AlertFacts,
    Message,
    Notice,
    Order,
    alert_notice_id,
    digest_notice_id,
    reminder_notice_id,
)
from schemas.public_json import stored_alert_json
from schemas.records import Alert, Company, Day, Instant
from schemas.subscriptions import COMPLIANCE_TEAM, FIRING, RESOLVED, Subscription
from sinks.notices.shelf import Shelf

DIGEST_ALERTS_MAX: Final = 250  # a longer digest has parts: a record of Kafka has a limit

NEVER_SENT: Final = "its resolved came before it could be sent"
RESOLVED_MEANWHILE: Final = "the alert was resolved"
ACKNOWLEDGED: Final = "the alert was acknowledged"
ENDED: Final = "the subscription was ended"
GONE: Final = "the receiver wants nothing more of this subscription: apply it again"
BY_HAND: Final = "given up by hand"

Compose = Callable[[Message], Message]


@dataclass(slots=True)
class Reference:
    """What the desk knows beside alerts and notices. The caller keeps it up to date."""

    subscriptions: Mapping[str, Subscription]
    companies: Mapping[str, Company]
    policy_titles: Mapping[str, str]
    acknowledged: frozenset[str] | set[str] = frozenset()


class Desk:
    """Decides on notices. `compose` fills subject and text of a message."""

    def __init__(self, shelf: Shelf, reference: Reference, compose: Compose) -> None:
        self.shelf = shelf
        self.reference = reference
        self._compose = compose

    # ---------------------------------------------------------------- alerts

    def take(self, alert: Alert, committed_at: Instant, now: Instant) -> list[Notice]:
        """The notices of an alert that the book committed at this time. An alert taken before gives none.

        Its changes must be applied before the next alert is taken, and `tick` must come before anything is sent.
        """
        changed: list[Notice] = []
        for subscription in self.reference.subscriptions.values():
            changed += self._take_for(subscription, alert, committed_at, now)
        return changed

    def _take_for(self, subscription: Subscription, alert: Alert, committed_at: Instant, now: Instant) -> list[Notice]:
        name = subscription.subscription_id
        notice_id = alert_notice_id(name, alert.alert_id, alert.status)
        if notice_id in self.shelf:
            return []
        firing, company = self.shelf.firing(name, alert.alert_id), self.reference.companies.get(alert.company_id)
        if not subscription.wants(alert, company, committed_at, was_told=firing is not None):
            # Nobody is told of this end, but reminders of its beginning stop.
            ends = firing is not None and alert.status == RESOLVED and not firing.closed
            return [replace(firing, closed=True)] if ends and firing is not None else []
        facts = AlertFacts(
            stored_alert_json(alert),
            company.name if company else None,
            self.reference.policy_titles.get(alert.policy_id, ""),
        )
        return [self._made(subscription, notice_id, ALERT, facts, now, status=alert.status)]

    def _made(
        self,
        subscription: Subscription,
        notice_id: str,
        kind: str,
        facts: AlertFacts,
        now: Instant,
        *,
        status: str,
        number: int | None = None,
    ) -> Notice:
        is_held = subscription.digest is not None
        return Notice(
            notice_id,
            subscription.subscription_id,
            kind,
            HELD if is_held else PENDING,
            self.shelf.next_seq(),
            now,
            alert_id=facts.alert["alert_id"],
            company_id=facts.alert["company_id"],
            status=status,
            message=self._compose(Message(subscription.language, kind, (facts,), number=number)),
            next_at=None if is_held else now,
        )

    def _superseded(self, firing: Notice, resolved: Notice, now: Instant) -> list[Notice]:
        """The firing was never sent: its resolved says so, and takes its place."""
        assert resolved.message is not None
        message = self._compose(replace(resolved.message, superseding=True))
        return [firing.ended(SUPERSEDED, NEVER_SENT, now), replace(resolved, message=message)]

    # ---------------------------------------------------------------- time

    def tick(self, now: Instant) -> list[Notice]:
        """What the clock, a changed subscription or an attempt that failed brings: digests, reminders, and the end of
        what waits for nothing any more.

        Call it again, after the changes were applied, until nothing changes.
        """
        return self._ends(now) or self._digests(now) or self._reminders(now)

    def _ends(self, now: Instant) -> list[Notice]:
        changed: list[Notice] = []
        for notice in self.shelf.at_rest():
            subscription = self.reference.subscriptions.get(notice.subscription_id)
            if subscription is not None:
                changed += self._end(notice, subscription, now)
        return changed

    def _end(self, notice: Notice, subscription: Subscription, now: Instant) -> list[Notice]:
        resolved = self.shelf.resolved(notice)
        is_firing = notice.kind == ALERT and notice.status == FIRING
        if subscription.ended_at is not None and subscription.ended_at <= now:
            return self.shelf.with_items(notice.ended(GIVEN_UP, ENDED, now))
        if self.shelf.is_gone(subscription):
            return self.shelf.with_items(notice.ended(GIVEN_UP, GONE, now))
        if notice.kind == REMINDER and notice.alert_id in self.reference.acknowledged:
            return [notice.ended(SUPERSEDED, ACKNOWLEDGED, now)]
        if notice.kind == REMINDER and not self.shelf.is_open(notice):
            return [notice.ended(SUPERSEDED, RESOLVED_MEANWHILE, now)]
        if is_firing and resolved is not None and resolved.has_ended:
            return [notice.ended(GIVEN_UP, RESOLVED_MEANWHILE, now)]  # somebody gave the resolved up by hand
        if is_firing and resolved is not None and resolved.digest_id is None:
            return self._superseded(
                notice, resolved, now
            )  # an attempt failed, or a crash ended it, as the resolved came
        if notice.state == HELD and subscription.digest is None:
            return [replace(notice, state=PENDING, next_at=now)]
        return []

    def _digests(self, now: Instant) -> list[Notice]:
        """The digests whose time has come, with all their parts. A company's own team is told of that company only."""
        held: dict[tuple[str, str], list[Notice]] = defaultdict(list)
        for notice in self.shelf.at_rest():
            subscription = self.reference.subscriptions.get(notice.subscription_id)
            if notice.state == HELD and subscription is not None:
                company_id = (notice.company_id or "") if COMPLIANCE_TEAM in subscription.to else ""
                held[notice.subscription_id, company_id].append(notice)
        changed: list[Notice] = []
        for (name, company_id), notices in held.items():
            subscription = self.reference.subscriptions[name]
            on = subscription.digest_due(now)
            if on is None or digest_notice_id(name, on, company_id) in self.shelf:
                continue
            items = [one for one in notices if one.created_at < subscription.digest_at(on)]
            if any(map(self._firing_is_under_way, items)):
                continue  # should the attempt fail, the resolved takes its place, which the digest must know
            for part, start in enumerate(range(0, len(items), DIGEST_ALERTS_MAX), 1):
                digest_id = digest_notice_id(name, on, company_id, part)
                changed += self._digest(subscription, digest_id, on, items[start : start + DIGEST_ALERTS_MAX], now)
        return changed

    def _firing_is_under_way(self, notice: Notice) -> bool:
        """Whether this is a resolved whose firing is just being sent, from before its subscription had a digest."""
        if notice.status != RESOLVED or notice.alert_id is None:
            return False
        return alert_notice_id(notice.subscription_id, notice.alert_id, FIRING) in self.shelf.in_flight

    def _digest(
        self, subscription: Subscription, digest_id: str, on: Day, items: list[Notice], now: Instant
    ) -> list[Notice]:
        facts = tuple(facts for one in items if one.message for facts in one.message.alerts)
        digest = Notice(
            digest_id,
            subscription.subscription_id,
            DIGEST,
            PENDING,
            self.shelf.next_seq(),
            now,
            company_id=items[0].company_id if COMPLIANCE_TEAM in subscription.to else None,
            message=self._compose(Message(subscription.language, DIGEST, facts, on=on)),
            items=tuple(one.notice_id for one in items),
            next_at=now,
        )
        return [digest, *(replace(one, digest_id=digest_id) for one in items)]

    def _reminders(self, now: Instant) -> list[Notice]:
        changed = []
        for firing in self.shelf.open_firings():
            subscription, alert_id = self.reference.subscriptions.get(firing.subscription_id), firing.alert_id or ""
            if subscription is None or subscription.remind_after_days is None or subscription.ended_at is not None:
                continue
            if firing.state != DELIVERED or firing.message is None or alert_id in self.reference.acknowledged:
                continue
            sent = list(self.shelf.reminders(firing.subscription_id, alert_id))
            last = sent[-1] if sent else firing
            if last.has_ended and now >= (last.last_at or 0) + subscription.remind_after_days * DAY_MS:
                number, facts = len(sent) + 1, firing.message.alerts[0]
                notice_id = reminder_notice_id(firing.subscription_id, alert_id, number)
                changed.append(self._made(subscription, notice_id, REMINDER, facts, now, status=FIRING, number=number))
        return changed

    # ---------------------------------------------------------------- by hand

    def order(self, order: Order, now: Instant) -> list[Notice] | None:
        """A request by hand: send again what was given up, or now what waits; or give up what waits. None: not yet,
        because the notice is being sent."""
        notice = self.shelf.get(order.notice_id)
        if notice is None or order.at <= notice.ordered_at or notice.state in (DELIVERED, SUPERSEDED):
            return []  # nothing can be done about it any more
        if notice.notice_id in self.shelf.in_flight:
            return None
        taken = replace(notice, ordered_at=order.at)
        resolved = self.shelf.resolved(notice)
        is_over = notice.status == FIRING and (resolved is not None or not self.shelf.is_open(notice))
        if notice.digest_id is None and order.action == GIVE_UP and not notice.has_ended:
            return self.shelf.with_items(taken.ended(GIVEN_UP, BY_HAND, now))
        if notice.digest_id is None and order.action == RETRY and notice.state in (PENDING, GIVEN_UP) and not is_over:
            again = replace(taken, state=PENDING, next_at=now, first_at=None, gone=False)
            return [again, *(replace(self.shelf[one], state=HELD) for one in notice.items)]
        return [taken]
