"""What every column of every view means, and its unit.

The one source of the comments in ClickHouse (`view_comments`) and of the reference in docs/analysts.md.
"""

from collections.abc import Mapping
from typing import Final

from sinks.clickhouse.view_meanings import Meaning, View, date, each, instant, share, text, windows, workers

# How a view with parameters is asked when its columns are described.
ARGUMENTS: Final = {
    "coverage_as_of": "(as_of='2025-01-01', known_at='2025-01-01T00:00:00Z')",
    "coverage_changes": "(known_at='2025-01-01T00:00:00Z')",
    "coverage_changes_since": "(since='2025-01-01', known_at='2025-01-01T00:00:00Z')",
}


_TYPES: Final = ("daily", "fixed_term", "outsourced", "permanent", "unspecified")
_PROGRAMMES: Final = ("jht", "jkk", "jkm", "jkp", "jmo", "jp")

_FIGURES: Final = {
    "active": workers("Inside the company on the date."),
    "covered": workers("Active and enrolled in JKK and JKM."),
    "uncovered": workers("`active` - `covered`: the statutory gap."),
    "uncovered_new": workers("Uncovered, and still in the grace period."),
    **each(tuple(f"enrolled_{each}" for each in _PROGRAMMES), workers("Active and enrolled in this programme.")),
    **each(tuple(f"active_{each}" for each in _TYPES), workers("Active with this type of employment.")),
    **each(tuple(f"covered_{each}" for each in _TYPES), workers("Covered with this type of employment.")),
    "coverage_bp": share("`covered` of `active`, rounded down; NULL when nobody is active."),
    "coverage_due_bp": share("`covered` of `active` - `uncovered_new`, rounded down; NULL when that is 0."),
}
_MOVES: Final = {
    **windows("joined", workers("Came inside in a window: as many days as the name says, up to the date.")),
    **windows("left", workers("Went outside in the window.")),
    **windows("gained_cover", workers("Became covered in the window.")),
    **windows("lost_cover", workers("Lost their cover in the window.")),
    **windows(
        "mean_coverage_bp",
        share("Sum of `covered` by sum of `active`, over the window's days with active workers; NULL without any."),
    ),
    **windows(
        "min_coverage_bp", share("The lowest `coverage_bp` of a day in the window; NULL without active workers.")
    ),
}
# What a posting, or all of a value date, changed.
_CHANGES: Final = {
    "value_on": date("The business date on which it counts."),
    **{
        name: workers(f"Change: {meaning.text[0].lower()}{meaning.text[1:]}")
        for name, meaning in _FIGURES.items()
        if meaning.unit == "workers" and name != "uncovered"
    },
    "joined": workers("Came inside; negative for a reversal."),
    "left": workers("Went outside."),
    "gained_cover": workers("Became covered."),
    "lost_cover": workers("Lost their cover."),
}
_BASELINE: Final = each(
    ("baseline_covered", "baseline_divisor"),
    workers("At the policy's baseline; NULL for `level` and when not evaluable."),
)
_REGISTRY: Final = {
    "name": text("From the registry; NULL when the registry does not say."),
    "kbli": text("Business field, from the registry; NULL when the registry does not say."),
    "regency": text("From the registry; NULL when the registry does not say."),
}

IN_EVERY_VIEW: Final[Mapping[str, Meaning]] = {
    "company_id": text("The company."),
    "policy_id": text("The policy."),
    "partition": text("Partition of the journal."),
    "offset": text("Offset of the entry in the journal."),
    "journal_partition": text("Partition of the journal."),
    "journal_offset": text("Offset of the journal entry after which the row holds."),
    "recorded_at": instant("When the entry was recorded."),
    "as_of": date("The business date of the figures."),
    "rule": text("`level`, `increment_pp`, `net_new` or `growth`."),
    "threshold_bp": share("The policy's threshold."),
    "source": text("The publishing system."),
    "event_id": text("The publisher's name for the fact."),
    "type": text("`hire`, `termination`, `enrollment` or `correction`."),
    "worker_id": text("The publisher's token for the worker."),
    "effective_on": date("From when the fact holds."),
    "disposition": text("`applied`, `no_effect`, `duplicate` or `dead_letter:<reason>`."),
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
        {"date": date("The business date of the row.")},
    ),
    "coverage_as_of": View(
        "One row for each company that has a posting by then: the figures on the date `as_of`, from the postings that\n"
        "were recorded by `known_at`. See [above](#as-of-a-date-as-known-at-a-time)."
    ),
    "coverage_changes": View(
        "What changed in each company on each value date, from the postings that were recorded by `known_at`. A\n"
        "company and date may have several rows: add them up. The figures on a date are the sums up to it.",
        _CHANGES,
    ),
    "coverage_changes_since": View(
        "The same, with the changes of a month before that of `since` under the first day of their month. It is much\n"
        "faster than `coverage_changes`, and gives the same figures on every date from `since` on.",
        _CHANGES,
    ),
    "policy_status": View(
        "One row for each company and policy that the book evaluates, as in the company's last snapshot. After\n"
        "an upgrade from a release without them, baseline and `why` are NULL until the company's next snapshot.",
        {
            "state": text("`met`, `pending`, `breached` or `not_evaluable`."),
            "since": date("The date on which this state began; NULL when never evaluated."),
            "gap_people": workers("How many more must be covered; NULL when not evaluable."),
            "threshold": share("The same as `threshold_bp`."),
            "version": text("The policy's version."),
            **_BASELINE,
            "why": text(
                "Why it is not evaluable: `ended`, `out_of_scope`, `before`, `after`, `nobody`, `too_few` or "
                "`no_baseline`; NULL when it is."
            ),
        },
    ),
    "journal": View(
        "One row for each fact that the book-keeper has taken from the journal, with its disposition. Fields that the\n"
        "type does not have are empty.",
        {
            "occurred_at": instant("When the publisher's system recorded it."),
            "employment_type": text("Of a hire."),
            "reason": text("Of a termination."),
            "action": text("Of an enrollment: `enrolled` or `withdrawn`."),
            "programmes": text("Of an enrollment."),
            "corrects": text("Of a correction: the `event_id` that is void."),
            "came_from_topic": text("Topic of the published record."),
            "came_from_partition": text("Partition of the published record."),
            "came_from_offset": text("Offset of the published record."),
        },
    ),
    "counted_facts": View(
        "One row for each fact that was `applied` or had `no_effect`, without its worker. Over all companies it is\n"
        "much faster than `journal`.",
    ),
    "dispositions": View(
        "One row for each fact that the book-keeper has taken from the journal: what became of it, without the fact.",
    ),
    "fact_workers": View(
        "One row for each fact in the journal, a repeat by the recorder too: whose it is. Analysts do not see it.",
    ),
    "ledger": View(
        "One row for each posting. To count workers, add up `quantity`: what is inside after less what was before.",
        {
            "value_on": date("The business date on which the posting counts."),
            "quantity": workers("+1, or -1 for a reversal."),
            "posting": text("Number of the posting within its entry, from 1."),
            **each(
                ("employment_type_before", "employment_type_after"),
                text("Type of employment before and after the change; empty when outside."),
            ),
            **each(("programmes_before", "programmes_after"), text("Programmes before and after the change.")),
            **each(("new_before", "new_after"), text("Whether the worker was in the grace period.")),
            **each(("inside_before", "inside_after"), text("Whether the worker was inside the company.")),
        },
    ),
    "ledger_changes": View(
        "One row for each posting, with what it changed in numbers.",
        {
            **_CHANGES,
            "posting": text("Number of the posting within its entry, from 1."),
            "quantity": workers("+1, or -1 for a reversal."),
            "class_before": text(
                "The class before, as a number: the type of employment (1 daily, 2 fixed_term, 3 outsourced, "
                "4 permanent, 5 unspecified; 0 outside), and 8 JHT, 16 JKK, 32 JKM, 64 JKP, 128 JMO, 256 JP, 512 new."
            ),
            "class_after": text("The class after, in the same way."),
        },
    ),
    "alerts": View(
        "One row for each alert and status. [What an alert says](alerts.md#what-an-alert-says).",
        {
            "alert_id": text("`<company>/<policy>/<episode>`."),
            "status": text("`firing` or `resolved`."),
            "reason": text("`crossed`, `became_evaluable`, `recovered` or `not_evaluable`."),
            "policy_version": text("The policy's version."),
            "business_date": date("The business date on which it happened."),
            "episode": text("Number of the episode, from 1."),
            "episode_start": date("When the episode fired."),
            "previous_state": text("The state before."),
            "active": workers("Active, of those whom the policy counts."),
            "covered": workers("Active with the programmes that the policy requires."),
            "divisor": workers("What the share is taken of: `active`, or without new uncovered ones."),
            "coverage_bp": share("`covered` of `divisor`, rounded down; NULL when the divisor is 0."),
            "gap_people": workers("How many more must be covered; NULL when not evaluable."),
            **_BASELINE,
            "uncovered": workers("Of the whole company, without JKK and JKM: the statutory gap."),
            "cause": text("`fact`, `date`, `policy` or `company`."),
            "event_id": text("The fact that caused it; NULL for other causes."),
        },
    ),
    "notices": View(
        "One row for each notice: an alert, a digest or a reminder for one subscription. It shows what became of the\n"
        "notice, but not its text, and no address. [What the states mean](alerts.md#what-became-of-a-notice).",
        {
            "notice_id": text("The notice: `peserta notices show` shows it with its text."),
            "subscription_id": text("The subscription."),
            "kind": text("`alert`, `reminder` or `digest`."),
            "status": text("Of the alert: `firing` or `resolved`; NULL for a digest."),
            "alert_id": text("The alert, as in `alerts`; NULL for a digest."),
            "company_id": text("The company; NULL for a digest of several."),
            "policy_id": text("The policy; NULL for a digest."),
            "state": text("`held`, `pending`, `delivered`, `given_up` or `superseded`."),
            "attempts": text("How often it was tried."),
            "last_answer": text("What came of the last attempt, or why there was none; empty before."),
            "gone": text("Whether the receiver wants nothing more of this subscription."),
            "digest_id": text("The digest that tells it; NULL for a notice of its own."),
            "seq": text("The order in which notices were made."),
            "created_at": instant("When it was made."),
            "first_at": instant("When it was first tried; NULL before, and after it was ordered again."),
            "next_at": instant("When it is due; NULL when it waits for a digest or has ended."),
            "last_at": instant("When it was last tried, or ended; NULL before."),
            "ended_at": instant("When it was delivered, given up or superseded; NULL before."),
        },
    ),
    "alert_handling": View(
        "One row for each action of a person on an alert. All of them stay: [who has an alert now](#who-has-an-alert)\n"
        "follows from the last of each kind.",
        {
            "handling_id": text("The action."),
            "alert_id": text("The alert, as in `alerts`."),
            "action": text("`acknowledged`, `assigned` or `note`."),
            "handled_by": text("Who did it."),
            "handled_at": instant("When, by the clock of whoever did it."),
            "assigned_to": text("Who has the alert now; NULL for other actions."),
            "note": text("What people wrote, as they wrote it; NULL for other actions."),
            "offset": text("The order of actions: the later one has the higher offset."),
        },
    ),
    "dead_letters": View(
        "One row for each refused record. The record itself is not here.",
        {
            "reason": text("[Why it was refused](publishers.md#what-becomes-of-a-fact)."),
            "topic": text("Topic of the published record."),
            "partition": text("Partition of the published record."),
            "offset": text("Offset of the published record."),
            "recorded_at": instant("When it was refused."),
            "source": text("The publishing system; NULL when unknown."),
            "event_id": text("The fact's id; NULL when unknown or not shown."),
            "key_bytes": Meaning("bytes", "Length of the key."),
            "value_bytes": Meaning("bytes", "Length of the value."),
            "field": text("The field that is wrong; NULL when the reason is about none."),
            "rule": text("What the field must be; NULL when the reason is about none."),
        },
    ),
    "companies": View(
        "One row for each registry entry, the latest. The columns `baseline_...` are arrays with one element for each\n"
        "declared baseline.",
        {
            **_REGISTRY,
            "baseline_on": date("Dates of the declared baselines."),
            "baseline_active": workers("Active, as declared."),
            "baseline_covered": workers("Covered, as declared."),
            "baseline_uncovered_new": workers("Uncovered and new, as declared."),
            "baseline_required": text("The programmes that `baseline_covered` counts."),
        },
    ),
    "policies": View(
        "One row for each policy, the latest version. [What the fields mean](publishers.md#fields-of-a-policy).",
        {
            "version": text("The policy's version."),
            "title": text("For people."),
            "required": text("Programmes that make a worker covered under this policy."),
            "clock": text("The divisor: `raw` or `due`."),
            "employment_types": text("Whom the policy counts."),
            **each(
                ("scope_company_ids", "scope_regencies", "scope_kbli_prefixes"),
                text("The scope; an empty list does not restrict."),
            ),
            "min_active": workers("With fewer active, the policy is not evaluable."),
            "hysteresis_bp": share("How far above the threshold a breached company must rise."),
            "hold_days": Meaning("days", "How long a breach must last before it fires."),
            "effective_from": date("First date of the policy."),
            "effective_until": date("Last date of the policy; NULL for none."),
            "baseline_on": date("The date to measure from; NULL for none."),
            "ended": text("Whether the policy was withdrawn."),
        },
    ),
}


def meaning_of(view: str, column: str) -> Meaning | None:
    """The meaning of a column of one of these views; None if it has none."""
    return VIEWS[view].meanings.get(column, IN_EVERY_VIEW.get(column))
