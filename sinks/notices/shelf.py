"""The notices as they are stored, and what follows from them at once: which wait, which episodes are open.

After a crash, `apply` of all stored notices makes the shelf again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from schemas.notices import (
    ALERT,
    DELIVERED,
    SUPERSEDED,
    Notice,
    alert_notice_id,
    reminder_notice_id,
)
from schemas.records import Instant
from schemas.subscriptions import FIRING, RESOLVED, Subscription


class Shelf:
    """All notices by id. `in_flight` are those that are being sent."""

    def __init__(self) -> None:
        self._notices: dict[str, Notice] = {}
        self._waiting: dict[str, dict[str, None]] = defaultdict(dict)  # subscription -> ids of what has not ended
        self._open: dict[tuple[str, str], str] = {}  # (subscription, alert) told and not resolved -> firing's id
        self._gone: dict[str, Instant] = {}  # subscription -> when its receiver last wanted nothing more
        self._seq = 0
        self.in_flight: set[str] = set()

    def apply(self, notices: Iterable[Notice]) -> None:
        """Take over notices that were stored."""
        for notice in notices:
            name, notice_id = notice.subscription_id, notice.notice_id
            self._seq = max(self._seq, notice.seq)
            if notice.has_ended:
                self._waiting[name].pop(notice_id, None)
            else:
                self._waiting[name][notice_id] = None  # where it stood, if it waits already
            if notice.gone:
                self._gone[name] = max(self._gone.get(name, 0), notice.last_at or 0)
            self._notices[notice_id] = notice
            self._follow_episode(notice)
            self._forget_message(notice_id)

    def _follow_episode(self, notice: Notice) -> None:
        if notice.kind != ALERT or notice.alert_id is None:
            return
        episode = (notice.subscription_id, notice.alert_id)
        if notice.status == RESOLVED or notice.closed:
            firing_id = self._open.pop(episode, None)
            if firing_id is not None and firing_id != notice.notice_id:
                self._forget_message(firing_id)
        elif alert_notice_id(*episode, RESOLVED) not in self._notices:
            self._open[episode] = notice.notice_id

    def _forget_message(self, notice_id: str) -> None:
        """Memory is for what may be sent: what waits or was given up, and firings, of which people are reminded."""
        notice = self._notices[notice_id]
        if notice.state in (DELIVERED, SUPERSEDED) and not (notice.status == FIRING and self.is_open(notice)):
            self._notices[notice_id] = replace(notice, message=None)

    def __contains__(self, notice_id: str) -> bool:
        return notice_id in self._notices

    def __getitem__(self, notice_id: str) -> Notice:
        return self._notices[notice_id]

    def get(self, notice_id: str) -> Notice | None:
        return self._notices.get(notice_id)

    def all(self) -> Iterator[Notice]:
        """All notices, in no order."""
        yield from self._notices.values()

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def firing(self, subscription_id: str, alert_id: str) -> Notice | None:
        """The notice of an episode's firing."""
        return self._notices.get(alert_notice_id(subscription_id, alert_id, FIRING))

    def resolved(self, notice: Notice) -> Notice | None:
        """The notice of the `resolved` of the episode that a notice is about."""
        if notice.alert_id is None:
            return None
        return self._notices.get(alert_notice_id(notice.subscription_id, notice.alert_id, RESOLVED))

    def reminders(self, subscription_id: str, alert_id: str) -> Iterator[Notice]:
        """The reminders of an episode, the first first."""
        number = 1
        while (one := self._notices.get(reminder_notice_id(subscription_id, alert_id, number))) is not None:
            yield one
            number += 1

    def is_open(self, notice: Notice) -> bool:
        """Whether the episode that a notice is about is still firing, as far as alerts were taken."""
        return (notice.subscription_id, notice.alert_id) in self._open

    def open_firings(self) -> Iterator[Notice]:
        """Notices of firings whose episode is still firing."""
        for firing_id in self._open.values():
            yield self._notices[firing_id]

    def is_gone(self, subscription: Subscription) -> bool:
        """Whether the receiver wanted nothing more since the subscription was last applied."""
        return self._gone.get(subscription.subscription_id, -1) >= subscription.applied_at

    def at_rest(self) -> Iterator[Notice]:
        """What has not ended, is not being sent, and is in no digest yet; of each subscription in order."""
        for ids in self._waiting.values():
            for notice_id in ids:
                notice = self._notices[notice_id]
                if notice_id not in self.in_flight and notice.digest_id is None:
                    yield notice

    def waiting(self, subscription_id: str) -> Iterator[Notice]:
        """What has not ended, of one subscription, in order."""
        yield from (self._notices[notice_id] for notice_id in self._waiting.get(subscription_id, ()))

    def waiting_count(self, subscription_id: str) -> int:
        return len(self._waiting.get(subscription_id, ()))

    def with_items(self, notice: Notice) -> list[Notice]:
        """A notice that has ended. With a digest, all that it told has ended in the same way."""
        items = [self._notices[one] for one in notice.items]
        return [notice, *(one.ended(notice.state, notice.last_answer, notice.last_at or 0) for one in items)]
