"""The JSON objects in which people and programs meet subscriptions, notices and the handling of alerts."""

from dataclasses import asdict
from typing import Final

from schemas.dates import day_text, instant_text
from schemas.handling import Handled, Handling
from schemas.notices import Notice
from schemas.public_json import JsonObject
from schemas.records import Instant
from schemas.subscriptions import DAYS_OF_WEEK, Subscription

# What a notice's state at rest has beside these is the notifier's own.
_OF_A_NOTICE: Final = (
    "notice_id", "subscription_id", "kind", "state", "alert_id", "company_id", "status",
    "attempts", "last_answer", "gone",
)  # fmt: skip
_TIMES_OF_A_NOTICE: Final = ("created_at", "first_at", "next_at", "last_at")


def subscription_json(one: Subscription) -> JsonObject:
    """A subscription with the words of its file, and when it was applied and ended."""
    scope = {name: list(wanted) for name, wanted in asdict(one.scope).items() if wanted is not None}
    return {
        "subscription_id": one.subscription_id,
        "channel": one.channel,
        "to": list(one.to),
        "scope": scope,
        "policy_ids": _list(one.policy_ids),
        "statuses": _list(one.statuses),
        "min_gap_people": one.min_gap_people,
        "digest": "none" if one.digest is None else time_text(one.digest),
        "quiet_hours": [
            {"from": time_text(h.start), "to": time_text(h.end), "days": [DAYS_OF_WEEK[day] for day in h.days]}
            for h in one.quiet_hours
        ],
        "remind_after_days": one.remind_after_days,
        "language": one.language,
        "secret": list(one.secrets),
        "effective_from": day_text(one.effective_from),
        "applied_at": instant_text(one.applied_at),
        "in_force_from": instant_text(one.in_force_from),
        "ended_at": _at(one.ended_at),
    }


def notice_json(notice: Notice) -> JsonObject:
    """A notice and what became of it, with its text when it has one."""
    fields: JsonObject = {name: getattr(notice, name) for name in _OF_A_NOTICE}
    fields |= {name: _at(getattr(notice, name)) for name in _TIMES_OF_A_NOTICE}
    message = notice.message
    return fields | {
        "items": list(notice.items),
        "digest_id": notice.digest_id,
        "subject": message.subject if message else None,
        "text": message.text if message else None,
    }


def handled_json(found: Handled) -> JsonObject:
    """Who has an alert."""
    return {
        "acknowledged_by": found.acknowledged_by,
        "acknowledged_at": _at(found.acknowledged_at),
        "assigned_to": found.assigned_to,
        "notes": [{"by": note.by, "at": instant_text(note.at), "text": note.text} for note in found.notes],
    }


def handling_json(one: Handling) -> JsonObject:
    """One action."""
    return asdict(one) | {"at": instant_text(one.at)}


def time_text(minute: int) -> str:
    """A minute of the day as HH:MM."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _at(at: Instant | None) -> str | None:
    return None if at is None else instant_text(at)


def _list(values: tuple[str, ...] | None) -> list[str] | None:
    return None if values is None else list(values)
