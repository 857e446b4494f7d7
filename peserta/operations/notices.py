"""Notices by hand: what became of them, and requests to send again or to give up (SEMANTICS 13)."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from peserta.operations.failure import NotAsAsked
from peserta.operations.record_writing import last_of_each, write_records
from peserta.settings import Settings
from schemas.notices import DELIVERED, GIVE_UP, GIVEN_UP, POSITION_KEY, SUPERSEDED, Notice, Order
from schemas.records import Instant

LOOK_EVERY_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which notices are asked for; None: all."""

    subscription_id: str | None = None
    state: str | None = None
    company_id: str | None = None

    def takes(self, notice: Notice) -> bool:
        return (
            self.subscription_id in (None, notice.subscription_id)
            and self.state in (None, notice.state)
            and self.company_id in (None, notice.company_id)
        )


async def read_notices(settings: Settings, wanted: Wanted | None = None) -> list[Notice]:
    """The notices, in the order in which they were made. Raises Unavailable without a broker or the topic."""
    wanted, found = wanted or Wanted(), []
    for key, value in (await last_of_each(settings, settings.topics.notices)).items():
        if key.encode() == POSITION_KEY:
            continue
        try:
            notice = Notice.decode(value)
        except (ValueError, RecursionError):
            continue  # the notifier does not know it either
        if notice.notice_id == key and wanted.takes(notice):
            found.append(notice)
    return sorted(found, key=lambda notice: notice.seq)


async def notice_of(settings: Settings, notice_id: str) -> Notice:
    """One notice. Raises NotAsAsked if there is none with this id."""
    for notice in await read_notices(settings):
        if notice.notice_id == notice_id:
            return notice
    raise NotAsAsked(f"There is no notice {notice_id}: `peserta notices list` shows those there are.")


async def order(settings: Settings, notice_id: str, action: str, *, by: str, at: Instant) -> Order:
    """Ask the notifier to send a notice again, or to give it up.

    Raises NotAsAsked if there is no such notice, or nothing can be done about it any more.
    """
    notice = await notice_of(settings, notice_id)
    if notice.state in (DELIVERED, SUPERSEDED) or (notice.state == GIVEN_UP and action == GIVE_UP):
        raise NotAsAsked(f"The notice {notice_id} is {notice.state.replace('_', ' ')}: nothing is left to do about it.")
    if notice.digest_id is not None:
        raise NotAsAsked(f"The notice {notice_id} is told by the digest {notice.digest_id}: name that one.")
    # The notifier passes over an order that is not later than the last it took.
    asked = Order(notice_id, action, max(at, notice.ordered_at + 1), by)
    await write_records(settings, settings.topics.notice_orders, [(notice_id, asked.encode())])
    return asked


async def wait_until_taken(settings: Settings, asked: Order, timeout_s: float) -> Notice | None:
    """The notice once the notifier has taken the order; None if it has not within the time."""
    until_s = time.monotonic() + timeout_s
    while True:
        notice = await notice_of(settings, asked.notice_id)
        if notice.ordered_at >= asked.at:
            return notice
        if time.monotonic() >= until_s:
            return None
        await asyncio.sleep(LOOK_EVERY_S)
