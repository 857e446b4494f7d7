"""What every channel is: one attempt to send one notice to its recipients."""

from collections.abc import Sequence
from typing import Protocol

from schemas.notices import Message, Notice
from schemas.records import Instant
from schemas.subscriptions import Subscription
from sinks.notices.retrying import Answer


class Channel(Protocol):
    """One way out. It holds connections, and nothing that must survive the process.

    `resend_after_s`: the receiver forgets an alert that it does not hear of again, so the notifier sends the notice of
    a firing again at this interval while the alert is firing; None for a receiver that remembers. `sends_at_once`: how
    many attempts of one subscription may be under way at the same time.
    """

    resend_after_s: int | None
    sends_at_once: int

    async def send(self, subscription: Subscription, notice: Notice, to: Sequence[str], now: Instant) -> Answer:
        """One attempt, over within the channel's time limit. `to` are addresses, never COMPLIANCE_TEAM.

        Whatever is outside can go wrong without an exception: the answer says it. Calls for different notices
        may run at the same time, at most `sends_at_once` of one subscription.
        """
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...


def message_of(notice: Notice) -> Message:
    """What the notice says; a notice that is sent has it."""
    assert notice.message is not None, "a notice to send has a message"
    return notice.message


def failed(words: str) -> Answer:
    """An attempt that failed and may be repeated."""
    return Answer(False, words)
