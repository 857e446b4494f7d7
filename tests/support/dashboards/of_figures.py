"""The dashboards of figures: a province, a company, the quality of data. Their SQL asks the views of analysts."""

from typing import Final

from tests.support.dashboards.panels import (
    BARS,
    EVERYTHING,
    FROM_DATE,
    LINES,
    STAT,
    TABLE,
    TO_DATE,
    Dashboard,
    Panel,
    Sql,
    asked,
)

IN_PERIOD: Final = "date BETWEEN toDate32($__fromTime) AND toDate32($__toTime)"
OF_COMPANY: Final = "company_id = '${company}'"

_TOTALS: Final = Sql(
    "SELECT toInt64(count()) AS companies, sum(active) AS active, sum(covered) AS covered,\n"
    "    sum(uncovered) AS uncovered, 100 * covered / nullIf(active, 0) AS coverage\nFROM coverage_current",
    ("companies", "active", "covered", "uncovered", "coverage"),
)
_DAYS: Final = Sql(
    "SELECT toDateTime(date, 'UTC') AS time, sum(active) AS active_people, sum(covered) AS covered_people\n"
    f"FROM coverage_daily\nWHERE {IN_PERIOD}\nGROUP BY date\nORDER BY date",
    ("time", "active_people", "covered_people"),
    has_time=True,
)
_SHARE: Final = Sql(
    "SELECT toDateTime(date, 'UTC') AS time, 100 * sum(covered) / nullIf(sum(active), 0) AS coverage\n"
    f"FROM coverage_daily\nWHERE {IN_PERIOD}\nGROUP BY date\nORDER BY date",
    ("time", "coverage"),
    has_time=True,
)
_REGENCIES: Final = Sql(
    "SELECT ifNull(regency, '(none)') AS regency, sum(active) AS active_people, sum(uncovered) AS uncovered_people\n"
    "FROM coverage_current\nGROUP BY regency\nORDER BY uncovered_people DESC, regency",
    ("regency", "active_people", "uncovered_people"),
)
_COMPANIES: Final = Sql(
    "SELECT company_id, name, regency, active, covered, uncovered, uncovered_new, coverage_bp / 100 AS coverage,\n"
    "    joined_30, left_30\nFROM coverage_current\nORDER BY uncovered DESC, company_id",
    (
        *("company_id", "name", "regency", "active", "covered", "uncovered", "uncovered_new", "coverage"),
        *("joined_30", "left_30"),
    ),
)
_STATES: Final = Sql(
    "SELECT policy_id, toInt64(countIf(state = 'met')) AS met, toInt64(countIf(state = 'pending')) AS pending,\n"
    "    toInt64(countIf(state = 'breached')) AS breached,\n"
    "    toInt64(countIf(state = 'not_evaluable')) AS not_evaluable\n"
    "FROM policy_status\nGROUP BY policy_id\nORDER BY policy_id",
    ("policy_id", "met", "pending", "breached", "not_evaluable"),
)
_FIRED: Final = Sql(
    "SELECT toDateTime(toStartOfMonth(business_date), 'UTC') AS time, toInt64(countIf(status = 'firing')) AS fired,\n"
    "    toInt64(countIf(status = 'resolved')) AS resolved\nFROM alerts\n"
    "WHERE business_date BETWEEN toDate32($__fromTime) AND toDate32($__toTime)\nGROUP BY time\n"
    "ORDER BY time WITH FILL STEP INTERVAL 1 MONTH",
    ("time", "fired", "resolved"),
    has_time=True,
)

_TREND: Final = asked("trend", {"by": "'regency'", "from": FROM_DATE, "to": TO_DATE, "known_at": EVERYTHING})
_MONTHS: Final = Sql(
    "SELECT toDateTime(date, 'UTC') AS time, ifNull(key, '(none)') AS regency, coverage_bp / 100 AS coverage\n"
    f"FROM (\n{_TREND.text}\n)\nORDER BY time, regency",
    ("time", "regency", "coverage"),
    has_time=True,
)

PROVINCE: Final = Dashboard(
    "peserta-province",
    "Peserta: province",
    "Who is covered, where the gap is, and which policies are met.",
    (
        Panel("Now", STAT, (_TOTALS,), 24, 4, units={"coverage": "percent"}, says="At each company's business date."),
        Panel("People", LINES, (_DAYS,)),
        Panel("Coverage", LINES, (_SHARE,), unit="percent", says="Covered of active; late facts change past days."),
        Panel("Uncovered people by regency", BARS, (_REGENCIES,)),
        Panel(
            "Coverage by regency at the end of each month",
            LINES,
            (_MONTHS,),
            unit="percent",
            says="The question `trend` by regency, as registered now.",
        ),
        Panel("Policies: companies by state", TABLE, (_STATES,)),
        Panel("Alerts by month", LINES, (_FIRED,)),
        Panel("Gaps under the policy ${policy}", TABLE, (asked("gaps", {"policy": "'${policy}'"}),), 24, 9),
        Panel("Companies", TABLE, (_COMPANIES,), 24, 10, units={"coverage": "percent"}),
    ),
    {"policy": "SELECT policy_id FROM policies WHERE NOT ended ORDER BY policy_id"},
)

_NOW: Final = Sql(
    "SELECT active, covered, uncovered, uncovered_new, coverage_bp / 100 AS coverage, joined_30, left_30\n"
    f"FROM coverage_current\nWHERE {OF_COMPANY}",
    ("active", "covered", "uncovered", "uncovered_new", "coverage", "joined_30", "left_30"),
)
_COMPANY_DAYS: Final = Sql(
    "SELECT toDateTime(date, 'UTC') AS time, active AS active_people, covered AS covered_people\nFROM coverage_daily\n"
    f"WHERE {OF_COMPANY} AND {IN_PERIOD}\nORDER BY date",
    ("time", "active_people", "covered_people"),
    has_time=True,
)
_COMPANY_SHARE: Final = Sql(
    "SELECT toDateTime(date, 'UTC') AS time, coverage_bp / 100 AS coverage\nFROM coverage_daily\n"
    f"WHERE {OF_COMPANY} AND {IN_PERIOD}\nORDER BY date",
    ("time", "coverage"),
    has_time=True,
)
_POLICIES: Final = Sql(
    "SELECT policy_id, state, since, gap_people, threshold_bp / 100 AS threshold\nFROM policy_status\n"
    f"WHERE {OF_COMPANY}\nORDER BY policy_id",
    ("policy_id", "state", "since", "gap_people", "threshold"),
)
_TYPES: Final = ("permanent", "fixed_term", "daily", "outsourced", "unspecified")
_BY_TYPE: Final = Sql(
    "SELECT tupleElement(each, 1) AS employment_type, tupleElement(each, 2) AS active_people,\n"
    "    tupleElement(each, 3) AS covered_people\nFROM coverage_current\n"
    f"ARRAY JOIN [{', '.join(f'''('{one}', active_{one}, covered_{one})''' for one in _TYPES)}] AS each\n"
    f"WHERE {OF_COMPANY}",
    ("employment_type", "active_people", "covered_people"),
)
_ALERTS: Final = Sql(
    "SELECT business_date, policy_id, status, reason, active, covered, gap_people\nFROM alerts\n"
    f"WHERE {OF_COMPANY}\nORDER BY recorded_at DESC, policy_id, status",
    ("business_date", "policy_id", "status", "reason", "active", "covered", "gap_people"),
)
_MOVES: Final = Sql(
    "SELECT joined_30, left_30, gained_cover_30, lost_cover_30, joined_90, left_90, gained_cover_90, lost_cover_90\n"
    f"FROM coverage_current\nWHERE {OF_COMPANY}",
    (
        *("joined_30", "left_30", "gained_cover_30", "lost_cover_30"),
        *("joined_90", "left_90", "gained_cover_90", "lost_cover_90"),
    ),
)

COMPANY: Final = Dashboard(
    "peserta-company",
    "Peserta: company",
    "One company: its people, its policies and its alerts.",
    (
        Panel("${company} now", STAT, (_NOW,), 24, 4, units={"coverage": "percent"}),
        Panel("People", LINES, (_COMPANY_DAYS,)),
        Panel("Coverage", LINES, (_COMPANY_SHARE,), unit="percent"),
        Panel("By type of employment", BARS, (_BY_TYPE,)),
        Panel("Policies", TABLE, (_POLICIES,), units={"threshold": "percent"}),
        Panel("Moves of the last 30 and 90 days", STAT, (_MOVES,), 24, 4),
        Panel("Alerts", TABLE, (_ALERTS,), 24, 9),
    ),
    {"company": "SELECT company_id FROM coverage_current ORDER BY company_id"},
)

_RECORDED: Final = "recorded_at BETWEEN $__fromTime AND $__toTime"
_DISPOSITIONS: Final = Sql(
    "SELECT toDateTime(toStartOfWeek(recorded_at, 1, 'Asia/Jakarta'), 'UTC') AS time,\n"
    "    toInt64(countIf(disposition = 'no_effect')) AS without_effect,\n"
    "    toInt64(countIf(disposition = 'duplicate')) AS duplicates,\n"
    "    toInt64(countIf(disposition LIKE 'dead_letter%')) AS refused\n"
    f"FROM dispositions\nWHERE {_RECORDED}\nGROUP BY time\nORDER BY time",
    ("time", "without_effect", "duplicates", "refused"),
    has_time=True,
)
_LATE: Final = Sql(
    "SELECT toDateTime(toStartOfMonth(toTimeZone(recorded_at, 'Asia/Jakarta')), 'UTC') AS time,\n"
    "    quantileExactLow(0.5)(late) AS median_days, quantileExactLow(0.95)(late) AS p95_days\n"
    "FROM (SELECT recorded_at, toInt64(toDate32(recorded_at, 'Asia/Jakarta')) - toInt64(effective_on) AS late\n"
    f"    FROM counted_facts WHERE {_RECORDED})\nGROUP BY time\nORDER BY time",
    ("time", "median_days", "p95_days"),
    has_time=True,
)
_FIELDS: Final = Sql(
    "SELECT reason, ifNull(field, '') AS field, ifNull(rule, '') AS rule, toInt64(count()) AS records,\n"
    f"    max(recorded_at) AS last_at\nFROM dead_letters\nWHERE {_RECORDED}\nGROUP BY reason, field, rule\n"
    "ORDER BY records DESC, reason, field, rule",
    ("reason", "field", "rule", "records", "last_at"),
)
_MONTH_AGO: Final = "$__toTime - INTERVAL 30 DAY"

QUALITY: Final = Dashboard(
    "peserta-quality",
    "Peserta: data quality",
    "Which sources are silent or late, what was refused, and what the registry lacks.",
    (
        Panel("Sources", TABLE, (asked("freshness", {"as_of": TO_DATE}),), 24, 7, says="The question `freshness`."),
        Panel("Facts that changed nothing, by week", LINES, (_DISPOSITIONS,)),
        Panel("Days from a fact's date to its recording", LINES, (_LATE,), unit="d"),
        Panel("Refused", TABLE, (asked("refused", {"from": FROM_DATE, "to": TO_DATE}),), 14),
        Panel("Refused fields", TABLE, (_FIELDS,), 10),
        Panel(
            "Figures of 30 days ago that have changed since",
            TABLE,
            (
                asked(
                    "restated",
                    {
                        "as_of": f"formatDateTime({_MONTH_AGO}, '%Y-%m-%d', 'Asia/Jakarta')",
                        "known_at": f"formatDateTime({_MONTH_AGO}, '%Y-%m-%dT%H:%i:%SZ', 'UTC')",
                    },
                ),
            ),
            24,
            7,
            says="The question `restated`: 30 days before the end of the period, as known then and as known now.",
        ),
    ),
)
