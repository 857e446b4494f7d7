"""The order in which notices are sent, and what follows from each attempt (SEMANTICS 13)."""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from schemas.notices import (
    ALERT,
    ANSWER_LENGTH_MAX,
    DELIVERED,
    DIGEST,
    GIVEN_UP,
    PENDING,
    Notice,
)
from schemas.records import Instant
from schemas.subscriptions import RESOLVED, Subscription
from sinks.notices.retrying import Answer, next_attempt
from sinks.notices.shelf import Shelf


class Outbox:
    """What is to be sent, by subscription. A receiver that is slow or away holds up only its own subscription."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._due: dict[str, list[tuple[Instant, int, str]]] = defaultdict(list)  # subscription -> heap
        self._parked: dict[str, list[tuple[Instant, int, str]]] = defaultdict(list)  # wait for another to end
        self._paused: dict[str, Instant] = {}  # subscription -> its receiver asked to be left alone until then

    def apply(self, notices: Iterable[Notice]) -> None:
        """Take over notices that were stored and that the shelf has."""
        for notice in notices:
            name = notice.subscription_id
            if notice.state == PENDING and notice.next_at is not None:
                heapq.heappush(self._due[name], (notice.next_at, notice.seq, notice.notice_id))
            if notice.has_ended:
                for entry in self._parked.pop(name, ()):
                    heapq.heappush(self._due[name], entry)

    def begin(self, subscription: Subscription, now: Instant) -> Notice | None:
        """The next notice of this subscription to send now, None if there is none. It is in flight until `landed`."""
        name = subscription.subscription_id
        if self.free_at(subscription, now) > now:
            return None
        heap = self._due[name]
        while heap and heap[0][0] <= now:
            entry = heapq.heappop(heap)
            notice = self._shelf[entry[2]]
            if notice.state != PENDING or notice.next_at != entry[0] or notice.notice_id in self._shelf.in_flight:
                continue  # the notice has changed since the entry was made
            if self._waits(notice):
                self._parked[name].append(entry)
                continue
            self._shelf.in_flight.add(notice.notice_id)
            return notice
        return None

    def _waits(self, notice: Notice) -> bool:
        """Whether another notice must have ended first: a firing before its resolved, a digest before the next."""
        if notice.kind == DIGEST:
            return any(
                one.kind == DIGEST and one.seq < notice.seq and one.company_id == notice.company_id
                for one in self._shelf.waiting(notice.subscription_id)
            )
        if notice.kind != ALERT or notice.status != RESOLVED:
            return False
        alert_id = notice.alert_id or ""
        firing = self._shelf.firing(notice.subscription_id, alert_id)
        told = [*([firing] if firing else []), *self._shelf.reminders(notice.subscription_id, alert_id)]
        return any(not one.has_ended for one in told)

    def end(self, notice_id: str, answer: Answer, now: Instant) -> list[Notice]:
        """What an attempt brought. Store and apply the changes, then call `landed`."""
        notice = self._shelf[notice_id]
        first_at, words = notice.first_at or now, answer.words[:ANSWER_LENGTH_MAX]
        tried = replace(notice, attempts=notice.attempts + 1, first_at=first_at, last_at=now, last_answer=words)
        if answer.retry_after_ms is not None:
            self._paused[notice.subscription_id] = now + answer.retry_after_ms
        if answer.ok:
            return self._shelf.with_items(tried.ended(DELIVERED, words, now))
        next_at = next_attempt(tried.attempts, first_at, now, answer.retry_after_ms)
        if answer.gone or answer.is_final or next_at is None:
            return self._shelf.with_items(tried.ended(GIVEN_UP, words, now, gone=answer.gone))
        return [replace(tried, next_at=next_at)]

    def landed(self, notice_id: str) -> None:
        """The attempt is over, and what it brought was stored and applied."""
        self._shelf.in_flight.discard(notice_id)

    def free_at(self, subscription: Subscription, now: Instant) -> Instant:
        """When something of this subscription may be sent: after its quiet hours, and when its receiver may be asked
        again."""
        return subscription.may_send_at(max(now, self._paused.get(subscription.subscription_id, now)))

    def next_at(self, subscription: Subscription, now: Instant) -> Instant | None:
        """When the next notice of this subscription may be sent; None if nothing waits."""
        heap = self._due.get(subscription.subscription_id)
        return max(heap[0][0], self.free_at(subscription, now)) if heap else None
