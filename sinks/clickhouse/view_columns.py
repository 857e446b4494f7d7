"""What every column of every view means, and its unit.

The one source of the comments in ClickHouse (`view_comments`) and of the reference in docs/analysts.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

# How a view with parameters is asked when its columns are described.
ARGUMENTS: Final = {"coverage_as_of": "(as_of='2025-01-01', known_at='2025-01-01T00:00:00Z')"}


class Meaning(NamedTuple):
    """A column's unit, empty where it has none, and its meaning: one sentence or less."""

    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class View:
    """What a row of a view is, and the columns whose meaning is the view's own."""

    text: str
    meanings: Mapping[str, Meaning] = field(default_factory=dict)


def _text(text: str) -> Meaning:
    return Meaning("", text)


def _workers(text: str) -> Meaning:
    return Meaning("workers", text)


def _share(text: str) -> Meaning:
    return Meaning("basis points", text)


def _date(text: str) -> Meaning:
    return Meaning("date", text)


def _instant(text: str) -> Meaning:
    return Meaning("instant, UTC", text)


def _each(names: tuple[str, ...], meaning: Meaning) -> dict[str, Meaning]:
    return dict.fromkeys(names, meaning)


def _windows(stem: str, meaning: Meaning) -> dict[str, Meaning]:
    return _each(tuple(f"{stem}_{days}" for days in (7, 30, 90)), meaning)


_TYPES: Final = ("daily", "fixed_term", "outsourced", "permanent", "unspecified")
_PROGRAMMES: Final = ("jht", "jkk", "jkm", "jkp", "jmo", "jp")

_FIGURES: Final = {
    "active": _workers("Inside the company on the date."),
    "covered": _workers("Active and enrolled in JKK and JKM."),
    "uncovered": _workers("`active` - `covered`: the statutory gap."),
    "uncovered_new": _workers("Uncovered, and still in the grace period."),
    **_each(tuple(f"enrolled_{each}" for each in _PROGRAMMES), _workers("Active and enrolled in this programme.")),
    **_each(tuple(f"active_{each}" for each in _TYPES), _workers("Active with this type of employment.")),
    **_each(tuple(f"covered_{each}" for each in _TYPES), _workers("Covered with this type of employment.")),
    "coverage_bp": _share("`covered` of `active`, rounded down; NULL when nobody is active."),
    "coverage_due_bp": _share("`covered` of `active` - `uncovered_new`, rounded down; NULL when that is 0."),
}
_MOVES: Final = {
    **_windows("joined", _workers("Came inside in a window: as many days as the name says, up to the date.")),
    **_windows("left", _workers("Went outside in the window.")),
    **_windows("gained_cover", _workers("Became covered in the window.")),
    **_windows("lost_cover", _workers("Lost their cover in the window.")),
    **_windows(
        "mean_coverage_bp",
        _share("Sum of `covered` by sum of `active`, over the window's days with active workers; NULL without any."),
    ),
    **_windows(
        "min_coverage_bp", _share("The lowest `coverage_bp` of a day in the window; NULL without active workers.")
    ),
}
_REGISTRY: Final = {
    "name": _text("From the registry; NULL when the registry does not say."),
    "kbli": _text("Business field, from the registry; NULL when the registry does not say."),
    "regency": _text("From the registry; NULL when the registry does not say."),
}

IN_EVERY_VIEW: Final[Mapping[str, Meaning]] = {
    "company_id": _text("The company."),
    "policy_id": _text("The policy."),
    "partition": _text("Partition of the journal."),
    "offset": _text("Offset of the entry in the journal."),
    "journal_partition": _text("Partition of the journal."),
    "journal_offset": _text("Offset of the journal entry after which the row holds."),
    "recorded_at": _instant("When the entry was recorded."),
    "as_of": _date("The business date of the figures."),
    "rule": _text("`level`, `increment_pp`, `net_new` or `growth`."),
    "threshold_bp": _share("The policy's threshold."),
    "source": _text("The publishing system."),
    "event_id": _text("The publisher's name for the fact."),
    **_FIGURES,
    **_MOVES,
}

VIEWS: Final[Mapping[str, View]] = {
    "coverage_current": View(
        "One row for each company: its figures on its business date.",
        _REGISTRY,
    ),
    "coverage_daily": View(
        "One row for each company and date, from its first value date to its business date. Earlier than the\n"
        "last 3,653 days only the value dates have a row, and a row holds until the next. Days of the past change\n"
        "when facts arrive late.",
        {"date": _date("The business date of the row.")},
    ),
    "coverage_as_of": View(
        "One row for each company that has a posting by then: the figures on the date `as_of`, from the postings that\n"
        "were recorded by `known_at`. See [above](#as-of-a-date-as-known-at-a-time)."
    ),
    "policy_status": View(
        "One row for each company and policy that the book evaluates, as in the company's last snapshot.",
        {
            "state": _text("`met`, `pending`, `breached` or `not_evaluable`."),
            "since": _date("The date on which this state began; NULL when never evaluated."),
            "gap_people": _workers("How many more must be covered; NULL when not evaluable."),
            "threshold": _share("The same as `threshold_bp`."),
            "version": _text("The policy's version."),
        },
    ),
    "journal": View(
        "One row for each fact that the book-keeper has taken from the journal, with its disposition. Fields that the\n"
        "type does not have are empty.",
        {
            "type": _text("`hire`, `termination`, `enrollment` or `correction`."),
            "worker_id": _text("The publisher's token for the worker."),
            "effective_on": _date("From when the fact holds."),
            "occurred_at": _instant("When the publisher's system recorded it."),
            "disposition": _text("`applied`, `no_effect`, `duplicate` or `dead_letter:<reason>`."),
            "employment_type": _text("Of a hire."),
            "reason": _text("Of a termination."),
            "action": _text("Of an enrollment: `enrolled` or `withdrawn`."),
            "programmes": _text("Of an enrollment."),
            "corrects": _text("Of a correction: the `event_id` that is void."),
            "came_from_topic": _text("Topic of the published record."),
            "came_from_partition": _text("Partition of the published record."),
            "came_from_offset": _text("Offset of the published record."),
        },
    ),
    "ledger": View(
        "One row for each posting. To count workers, add up `quantity`: what is inside after less what was before.",
        {
            "value_on": _date("The business date on which the posting counts."),
            "quantity": _workers("+1, or -1 for a reversal."),
            "posting": _text("Number of the posting within its entry, from 1."),
            **_each(
                ("employment_type_before", "employment_type_after"),
                _text("Type of employment before and after the change; empty when outside."),
            ),
            **_each(("programmes_before", "programmes_after"), _text("Programmes before and after the change.")),
            **_each(("new_before", "new_after"), _text("Whether the worker was in the grace period.")),
            **_each(("inside_before", "inside_after"), _text("Whether the worker was inside the company.")),
        },
    ),
    "alerts": View(
        "One row for each alert and status. [What an alert says](alerts.md#what-an-alert-says).",
        {
            "alert_id": _text("`<company>/<policy>/<episode>`."),
            "status": _text("`firing` or `resolved`."),
            "reason": _text("`crossed`, `became_evaluable`, `recovered` or `not_evaluable`."),
            "policy_version": _text("The policy's version."),
            "business_date": _date("The business date on which it happened."),
            "episode": _text("Number of the episode, from 1."),
            "episode_start": _date("When the episode fired."),
            "previous_state": _text("The state before."),
            "active": _workers("Active, of those whom the policy counts."),
            "covered": _workers("Active with the programmes that the policy requires."),
            "divisor": _workers("What the share is taken of: `active`, or without new uncovered ones."),
            "coverage_bp": _share("`covered` of `divisor`, rounded down; NULL when the divisor is 0."),
            "gap_people": _workers("How many more must be covered; NULL when not evaluable."),
            "baseline_covered": _workers("At the baseline; NULL for rules without one."),
            "baseline_divisor": _workers("At the baseline; NULL for rules without one."),
            "uncovered": _workers("Of the whole company, without JKK and JKM: the statutory gap."),
            "cause": _text("`fact`, `date`, `policy` or `company`."),
            "event_id": _text("The fact that caused it; NULL for other causes."),
        },
    ),
    "notices": View(
        "One row for each notice: an alert, a digest or a reminder for one subscription. It shows what became of the\n"
        "notice, but not its text, and no address. [What the states mean](alerts.md#what-became-of-a-notice).",
        {
            "notice_id": _text("The notice: `peserta notices show` shows it with its text."),
            "subscription_id": _text("The subscription."),
            "kind": _text("`alert`, `reminder` or `digest`."),
            "status": _text("Of the alert: `firing` or `resolved`; NULL for a digest."),
            "alert_id": _text("The alert, as in `alerts`; NULL for a digest."),
            "company_id": _text("The company; NULL for a digest of several."),
            "policy_id": _text("The policy; NULL for a digest."),
            "state": _text("`held`, `pending`, `delivered`, `given_up` or `superseded`."),
            "attempts": _text("How often it was tried."),
            "last_answer": _text("What came of the last attempt, or why there was none; empty before."),
            "gone": _text("Whether the receiver wants nothing more of this subscription."),
            "digest_id": _text("The digest that tells it; NULL for a notice of its own."),
            "seq": _text("The order in which notices were made."),
            "created_at": _instant("When it was made."),
            "first_at": _instant("When it was first tried; NULL before, and after it was ordered again."),
            "next_at": _instant("When it is due; NULL when it waits for a digest or has ended."),
            "last_at": _instant("When it was last tried, or ended; NULL before."),
            "ended_at": _instant("When it was delivered, given up or superseded; NULL before."),
        },
    ),
    "alert_handling": View(
        "One row for each action of a person on an alert. All of them stay: [who has an alert now](#who-has-an-alert)\n"
        "follows from the last of each kind.",
        {
            "handling_id": _text("The action."),
            "alert_id": _text("The alert, as in `alerts`."),
            "action": _text("`acknowledged`, `assigned` or `note`."),
            "handled_by": _text("Who did it."),
            "handled_at": _instant("When, by the clock of whoever did it."),
            "assigned_to": _text("Who has the alert now; NULL for other actions."),
            "note": _text("What people wrote, as they wrote it; NULL for other actions."),
            "offset": _text("The order of actions: the later one has the higher offset."),
        },
    ),
    "dead_letters": View(
        "One row for each refused record. The record itself is not here.",
        {
            "reason": _text("[Why it was refused](publishers.md#what-becomes-of-a-fact)."),
            "topic": _text("Topic of the published record."),
            "partition": _text("Partition of the published record."),
            "offset": _text("Offset of the published record."),
            "recorded_at": _instant("When it was refused."),
            "source": _text("The publishing system; NULL when unknown."),
            "event_id": _text("The fact's id; NULL when unknown or not shown."),
            "key_bytes": Meaning("bytes", "Length of the key."),
            "value_bytes": Meaning("bytes", "Length of the value."),
            "field": _text("The field that is wrong; NULL when the reason is about none."),
            "rule": _text("What the field must be; NULL when the reason is about none."),
        },
    ),
    "companies": View(
        "One row for each registry entry, the latest. The columns `baseline_...` are arrays with one element for each\n"
        "declared baseline.",
        {
            **_REGISTRY,
            "baseline_on": _date("Dates of the declared baselines."),
            "baseline_active": _workers("Active, as declared."),
            "baseline_covered": _workers("Covered, as declared."),
            "baseline_uncovered_new": _workers("Uncovered and new, as declared."),
            "baseline_required": _text("The programmes that `baseline_covered` counts."),
        },
    ),
    "policies": View(
        "One row for each policy, the latest version. [What the fields mean](publishers.md#fields-of-a-policy).",
        {
            "version": _text("The policy's version."),
            "title": _text("For people."),
            "required": _text("Programmes that make a worker covered under this policy."),
            "clock": _text("The divisor: `raw` or `due`."),
            "employment_types": _text("Whom the policy counts."),
            **_each(
                ("scope_company_ids", "scope_regencies", "scope_kbli_prefixes"),
                _text("The scope; an empty list does not restrict."),
            ),
            "min_active": _workers("With fewer active, the policy is not evaluable."),
            "hysteresis_bp": _share("How far above the threshold a breached company must rise."),
            "hold_days": Meaning("days", "How long a breach must last before it fires."),
            "effective_from": _date("First date of the policy."),
            "effective_until": _date("Last date of the policy; NULL for none."),
            "baseline_on": _date("The date to measure from; NULL for none."),
            "ended": _text("Whether the policy was withdrawn."),
        },
    ),
}


def meaning_of(view: str, column: str) -> Meaning | None:
    """The meaning of a column of one of these views; None if it has none."""
    return VIEWS[view].meanings.get(column, IN_EVERY_VIEW.get(column))
