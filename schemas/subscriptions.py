"""Subscriptions: who is told of which alerts, how and when (SEMANTICS 13).

The records are those of `peserta.subscriptions.v1` (compacted, one partition, key = subscription id), in readable JSON.
The last record of an id holds. None is ever removed: an ended subscription stays as an ended one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from schemas.dates import jakarta_day, jakarta_midnight
from schemas.records import Alert, Company, Day, Instant, Scope
from schemas.scope import is_within

WEBHOOK: Final = "webhook"
EMAIL: Final = "email"
CHAT: Final = "chat"
ALERTMANAGER: Final = "alertmanager"
CHANNELS: Final = (WEBHOOK, EMAIL, CHAT, ALERTMANAGER)

INDONESIAN: Final = "id"
ENGLISH: Final = "en"
LANGUAGES: Final = (INDONESIAN, ENGLISH)

FIRING: Final = "firing"
RESOLVED: Final = "resolved"
STATUSES: Final = (FIRING, RESOLVED)

EVERYBODY: Final = Scope()
COMPLIANCE_TEAM: Final = "compliance_team"  # as `to`: the contacts of the alert's own company

DAYS_OF_WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_OF_DAY: Final = 24 * 60
MINUTE_MS: Final = 60_000

SUBSCRIPTIONS_MAX: Final = 200  # each may hold a few connections
RECIPIENTS_MAX: Final = 50
SECRETS_MAX: Final = 4  # while one is being changed, two are usual
REMIND_AFTER_DAYS_MAX: Final = 365


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours in which nothing is sent. `start` and `end` are minutes of the day in Asia/Jakarta; `end` is the first
    minute that is not quiet, and lies on the next day if it is not after `start`. `days` are those on which the hours
    start (0 = Monday)."""

    start: int
    end: int
    days: tuple[int, ...] = tuple(range(7))

    def end_at(self, at: Instant) -> Instant | None:
        """The end of these hours if the instant lies in them, else None."""
        length = (self.end - self.start) % MINUTES_OF_DAY or MINUTES_OF_DAY
        today = jakarta_day(at)
        for on in (today - 1, today):
            start = jakarta_midnight(on) + self.start * MINUTE_MS
            if day_of_week(on) in self.days and start <= at < start + length * MINUTE_MS:
                return start + length * MINUTE_MS
        return None


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription. `None` in a filter means no limit. `digest` is a minute of the day in Asia/Jakarta.

    `to` is one URL, or addresses, or COMPLIANCE_TEAM. `secrets` name files or variables and are never values; the first
    is used to sign in, all are used to sign a webhook. `applied_at` is when it was last applied, `in_force_from` since
    when it has been in force without interruption, `ended_at` when it was ended.
    """

    subscription_id: str
    channel: str
    to: tuple[str, ...]
    effective_from: Day
    scope: Scope = EVERYBODY
    policy_ids: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    min_gap_people: int = 0
    digest: int | None = None
    quiet_hours: tuple[QuietHours, ...] = ()
    remind_after_days: int | None = None
    language: str = INDONESIAN
    secrets: tuple[str, ...] = ()
    applied_at: Instant = 0
    in_force_from: Instant = 0
    ended_at: Instant | None = None

    def wants(self, alert: Alert, company: Company | None, committed_at: Instant, *, was_told: bool) -> bool:
        """Whether the alert, committed at this time, is one to tell.

        `was_told`: a notice of the firing of this episode was made. Then neither the gap nor the company's present
        region stands in the way of its `resolved`.
        """
        if committed_at < self.in_force_from or (self.ended_at is not None and committed_at >= self.ended_at):
            return False
        if self.statuses is not None and alert.status not in self.statuses:
            return False
        if alert.status == RESOLVED and was_told:
            return True
        return (
            alert.business_date >= self.effective_from
            and (self.policy_ids is None or alert.policy_id in self.policy_ids)
            and (alert.gap_people or 0) >= self.min_gap_people
            and is_within(self.scope, alert.company_id, company)
        )

    def may_send_at(self, at: Instant) -> Instant:
        """The first instant from `at` on that lies in no quiet hours; `at` itself if all hours are quiet."""
        found = at
        for _ in range(7 * (len(self.quiet_hours) + 1)):
            ends = [end for hours in self.quiet_hours if (end := hours.end_at(found)) is not None]
            if not ends:
                return found
            found = max(ends)
        return at

    def digest_due(self, at: Instant) -> Day | None:
        """The date of the last digest due at this instant; None without digests."""
        if self.digest is None:
            return None
        today = jakarta_day(at)
        return today if at >= jakarta_midnight(today) + self.digest * MINUTE_MS else today - 1

    def digest_at(self, on: Day) -> Instant:
        """When the digest of this date is due."""
        return jakarta_midnight(on) + (self.digest or 0) * MINUTE_MS

    def encode(self) -> bytes:
        """The record's value."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def decode(cls, value: bytes) -> "Subscription":
        """Raises ValueError for bytes that are no subscription."""
        found = json.loads(value)
        if not isinstance(found, dict) or found.keys() != set(cls.__slots__):
            raise ValueError("not the fields of a subscription")
        try:
            hours = tuple(QuietHours(one["start"], one["end"], tuple(one["days"])) for one in found["quiet_hours"])
            scope = Scope(**{name: _tuple(wanted) for name, wanted in found["scope"].items()})
            lists = {name: _tuple(found[name]) for name in ("to", "policy_ids", "statuses", "secrets")}
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError("a field of a subscription is of another type") from error
        return cls(**{**found, **lists, "scope": scope, "quiet_hours": hours})


def day_of_week(on: Day) -> int:
    """0 is Monday. Day 0, 1 January 1970, was a Thursday."""
    return (on + 3) % 7


def _tuple(found: Any) -> Any:
    return tuple(found) if isinstance(found, list) else found


def subscriptions_of(records: Mapping[str, bytes]) -> dict[str, Subscription]:
    """Subscription id -> subscription, for those that can be read. One that cannot be read sends nothing."""
    found = {}
    for name, value in records.items():
        try:
            one = Subscription.decode(value)
        except (ValueError, RecursionError):
            continue
        if one.subscription_id == name:
            found[name] = one
    return found
