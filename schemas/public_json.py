"""The JSON objects in which everybody outside meets an answer: dispositions, alerts, figures, postings, rows of a view.

One form each, whoever asks and by whichever way (SEMANTICS 8). A command or a request may add fields of its own, such
as the number of a line; it takes none away. `schemas.fact_json.json_line` writes an object as text.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, TypeAlias

from schemas.dates import day_text, instant_text
from schemas.records import WINDOW_DAYS, Alert, Figures, PolicyStatus, Posting
from schemas.vocabulary import EMPLOYMENT_TYPES, PROGRAMMES, ClassParts, programme_names

JsonObject: TypeAlias = dict[str, Any]

# Fields of an alert that name the journal or its clock: an offline book has no journal.
_JOURNAL_FIELDS: Final = ("journal_partition", "journal_offset", "recorded_at")


def disposition_json(event_id: str | None, disposition: str) -> JsonObject:
    """What became of a fact; `event_id` is null where it could not be read."""
    return {"event_id": event_id, "disposition": disposition}


def alert_json(alert: Alert) -> JsonObject:
    """An alert without its place in a journal."""
    fields = asdict(alert)
    for name in _JOURNAL_FIELDS:
        del fields[name]
    fields["business_date"] = day_text(alert.business_date)
    fields["episode_start"] = day_text(alert.episode_start)
    return fields


def stored_alert_json(alert: Alert) -> JsonObject:
    """An alert of a book in Kafka: with the journal entry that caused it, and when that was recorded."""
    return alert_json(alert) | {
        "journal_partition": alert.journal_partition,
        "journal_offset": alert.journal_offset,
        "recorded_at": instant_text(alert.recorded_at),
    }


def figures_json(f: Figures) -> JsonObject:
    """The figures of a company on a business date."""
    by_type = {
        EMPLOYMENT_TYPES[t]: {"active": active, "covered": covered} for t, active, covered in f.by_employment_type
    }
    return {
        "company_id": f.company_id,
        "as_of": day_text(f.as_of),
        "active": f.active,
        "covered": f.covered,
        "uncovered": f.uncovered,
        "uncovered_new": f.uncovered_new,
        "enrolled": dict(zip(PROGRAMMES, f.enrolled, strict=True)),
        "by_employment_type": by_type,
        "coverage_bp": f.coverage_bp,
        "coverage_due_bp": f.coverage_due_bp,
        "windows": {str(days): window._asdict() for days, window in zip(WINDOW_DAYS, f.windows, strict=True)},
        "policies": [_status_json(status) for status in f.policies],
    }


def _status_json(status: PolicyStatus) -> JsonObject:
    return {
        "policy_id": status.policy_id,
        "state": status.state,
        "since": None if status.since is None else day_text(status.since),
        "gap_people": status.gap_people,
    }


def posting_json(company_id: str, event_id: str, posted: Posting) -> JsonObject:
    """One line of the ledger, and the fact that posted it."""
    return {
        "company_id": company_id,
        "event_id": event_id,
        "value_on": day_text(posted.value_on),
        "before": class_json(posted.before),
        "after": class_json(posted.after),
        "quantity": posted.quantity,
    }


def class_json(parts: ClassParts | None) -> JsonObject | None:
    """A class of workers; null is OUTSIDE."""
    if parts is None:
        return None
    return {
        "employment_type": EMPLOYMENT_TYPES[parts.employment_type],
        "programmes": programme_names(parts.programmes),
        "new": parts.new,
    }


def row_json(row: Mapping[str, Any]) -> JsonObject:
    """A row of a view, of the same names; instants are RFC 3339, dates and decimals are texts."""
    return {name: _value_json(value) for name, value in row.items()}


def _value_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return datetime_text(value)
    return value if value is None or isinstance(value, int | str | list) else str(value)


def datetime_text(at: datetime) -> str:
    """An instant as RFC 3339 with its offset; a time without one stays without."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
