"""An alert, and how it is read from JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

_DATES: Final = ("business_date", "episode_start")


class UnreadableAlert(ValueError):
    """A value that is not an alert of a version known to this client."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert: a company crossed a threshold, or came back (SEMANTICS 7). `_bp` fields are basis points, or None.

    (`alert_id`, `status`) identifies an alert: a second one with the same pair is a repeat.
    """

    alert_id: str
    status: str
    reason: str
    company_id: str
    policy_id: str
    policy_version: int
    rule: str
    threshold_bp: int
    business_date: date
    episode: int
    episode_start: date
    previous_state: str
    active: int
    covered: int
    divisor: int
    coverage_bp: int | None
    gap_people: int | None
    baseline_covered: int | None
    baseline_divisor: int | None
    uncovered: int
    joined_30: int
    left_30: int
    gained_cover_30: int
    lost_cover_30: int
    cause: str
    event_id: str | None
    journal_partition: int
    journal_offset: int
    recorded_at: datetime


def alert_of(found: Mapping[str, Any]) -> Alert:
    """The alert in a JSON object. Fields that this client does not know are left out.

    Raises UnreadableAlert if one that it knows is missing or is of another form.
    """
    try:
        values = {field.name: found[field.name] for field in fields(Alert)}
        for name in _DATES:
            values[name] = date.fromisoformat(values[name])
        # Python 3.10 does not read the Z of RFC 3339.
        values["recorded_at"] = datetime.fromisoformat(values["recorded_at"].replace("Z", "+00:00"))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UnreadableAlert("This cannot be read as an alert. Is there a newer client?") from None
    return Alert(**values)
