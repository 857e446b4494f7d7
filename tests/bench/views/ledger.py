"""A ledger of a country, made by ClickHouse itself: 5,000 companies of very different sizes over three years.

A worker has five facts: hire; enrollment in JKK and JKM ten days later, for seven of ten; JMO; JHT; termination. They
make up to eight lines, as the book-keeper posts them. Fact number `i` of a partition is fact `i % 5` of a worker whose
hire lies a fixed number of facts before, so that rows come in the order of offsets and nothing is sorted. The largest
company has one in seventeen of all workers (the cube root of 5,000). One fact in five is up to two months late. One
worker in MOVED was hired by another company MOVED_AFTER days earlier, and has left it; without an earlier worker, or
where that one moved too, nobody moves.
"""

from typing import Final

from schemas.vocabulary import EMPLOYMENT_TYPES

PARTITIONS: Final = 8
COMPANIES: Final = 5_000
DAYS: Final = 1_096  # 2023 to 2025
FACTS_OF_WORKER: Final = 5
LINES_OF_WORKER: Final = 7.1  # on average, with those that never enroll
AFTER_HIRE: Final = (0, 12, 20, 30, 180)  # days from the hire to each fact
MOVED: Final = 8
MOVED_AFTER: Final = AFTER_HIRE[-1] + 15  # days from one hire to the next

_NONE: Final = "[]::Array(String)"
_OUTSIDE: Final = f"tuple('', {_NONE}, false)"


def _class(programmes: str, new: str) -> str:
    return f"tuple(employment_type, {programmes}, {new})"


def _line(on: str, before: str, after: str, quantity: int = 1) -> str:
    return f"tuple({on}, {before}, {after}, toInt8({quantity}))"


def _held(*names: str) -> str:
    return f"if(enrolls, [{', '.join(map(repr, names))}], {_NONE})"


_LINES: Final = (
    [
        _line("value_on", _OUTSIDE, _class(_NONE, "true")),
        _line("value_on + 30", _class(_NONE, "true"), _class(_NONE, "false")),
    ],
    [
        _line("hired_on + 10", _class(_NONE, "true"), _class("['JKK', 'JKM']", "true")),
        _line("hired_on + 30", _class(_NONE, "true"), _class(_NONE, "false"), -1),
        _line("hired_on + 30", _class("['JKK', 'JKM']", "true"), _class("['JKK', 'JKM']", "false")),
    ],
    [_line("value_on", _class(_held("JKK", "JKM"), "true"), _class(_held("JKK", "JKM", "JMO"), "true"))],
    [
        _line(
            "value_on",
            _class(_held("JKK", "JKM", "JMO"), "false"),
            _class(_held("JHT", "JKK", "JKM", "JMO"), "false"),
        )
    ],
    [_line("value_on", _class(_held("JHT", "JKK", "JKM", "JMO"), "false"), _OUTSIDE)],
)
_POSTED: Final = ", ".join(
    f"stage = {stage}{' AND enrolls' if stage == 1 else ''}, [{', '.join(lines)}]" for stage, lines in enumerate(_LINES)
)


def facts_of_partition(lines: int) -> int:
    """How many facts a partition has in a ledger of about so many lines."""
    return int(lines / LINES_OF_WORKER * FACTS_OF_WORKER / PARTITIONS)


def _facts(partition: int, facts: int) -> str:
    """The facts of a partition, in order of their offset `i`."""
    lag = f"arrayElement({list(AFTER_HIRE)}, stage + 1)"
    return f"""
    SELECT
        number AS i,
        i % {FACTS_OF_WORKER} AS stage,
        toInt64(intDiv(i, {FACTS_OF_WORKER})) - {lag} * intDiv({facts}, {FACTS_OF_WORKER * DAYS}) AS worker,
        cityHash64(worker, {partition}) AS hash,
        hash / 18446744073709551616 AS place,
        {PARTITIONS} * toUInt32(floor({COMPANIES // PARTITIONS} * pow(place, 3))) + {partition} AS company,
        concat('C', leftPad(toString(company), 5, '0')) AS company_id,
        intDiv(i * {DAYS * 86_400_000}, {facts}) AS milliseconds,
        toDateTime64('2023-01-01 00:00:00', 3, 'UTC') + toIntervalMillisecond(milliseconds) AS recorded_at,
        toDate32(recorded_at) AS recorded_on,
        recorded_on - if(cityHash64(i) % 10 < 8, cityHash64(i, 1) % 4, cityHash64(i, 2) % 60) AS value_on,
        recorded_on - {lag} AS hired_on,
        arrayElement({list(EMPLOYMENT_TYPES)}, hash % 5 + 1) AS employment_type,
        hash % 10 < 7 AS enrolls
    FROM numbers({facts})
    WHERE worker >= 0"""


def insert_lines(partition: int, facts: int) -> str:
    """The statement that makes the lines of a partition."""
    return f"""
INSERT INTO ledger_lines (company_id, partition, offset, posting, recorded_at, value_on,
    employment_type_before, programmes_before, new_before, employment_type_after, programmes_after, new_after, quantity)
SELECT company_id, {partition}, i, number, recorded_at, line.1,
    line.2.1, line.2.2, line.2.3, line.3.1, line.3.2, line.3.3, line.4
FROM (SELECT *, multiIf({_POSTED}, []) AS posted FROM ({_facts(partition, facts)}))
ARRAY JOIN posted AS line, arrayEnumerate(posted) AS number"""


def insert_entries(partition: int, facts: int) -> str:
    """The statement that makes what the book-keeper said of each fact."""
    return f"""
INSERT INTO ledger_entries (company_id, partition, offset, recorded_at, event_id, disposition, line_count, chain)
SELECT company_id, {partition}, i, recorded_at, toString(generateUUIDv4()), 'applied', 1,
    lower(hex(sipHash128(i)) || hex(sipHash128(i, 1)))
FROM ({_facts(partition, facts)})"""


def insert_facts(partition: int, facts: int) -> str:
    """The statement that makes the journal."""
    return f"""
INSERT INTO journal_facts (company_id, partition, offset, recorded_at, type, event_id, worker_id, effective_on,
    occurred_at, source, came_from_topic, came_from_partition, came_from_offset)
WITH {MOVED_AFTER} * intDiv({facts}, {FACTS_OF_WORKER * DAYS}) AS moved_after,
    worker - if(intDiv(hash, 16) % {MOVED} = 0, moved_after, 0) AS person
SELECT company_id, {partition}, i, recorded_at,
    arrayElement(['hire', 'enrollment', 'enrollment', 'enrollment', 'termination'], stage + 1),
    toString(generateUUIDv4()), 't1:' || lower(hex(sipHash128(person, {partition}))), value_on, recorded_at, 'hris',
    'workforce.facts.v1', {partition}, i
FROM ({_facts(partition, facts)})"""


# The book's own figures, as far as questions read them: one snapshot of each company, on the last day, with a policy.
SNAPSHOTS: Final = """
INSERT INTO snapshots (company_id, partition, offset, recorded_at, as_of, active, covered, uncovered,
    active_daily, active_fixed_term, active_outsourced, active_permanent, active_unspecified,
    policy_ids, policy_versions, policy_thresholds_bp, policy_states, policy_since, policy_gap_people)
SELECT company_id, any(partition), max(offset), max(recorded_at), '2025-12-31',
    sum(quantity * (toInt64(employment_type_after != '') - toInt64(employment_type_before != ''))) AS active,
    sum(quantity * (toInt64(hasAll(programmes_after, ['JKK', 'JKM']))
        - toInt64(hasAll(programmes_before, ['JKK', 'JKM'])))) AS covered,
    active - covered, 0, 0, 0, active, 0, ['footwear'], [1], [2000], ['breached'], ['2025-01-15'], [7]
FROM ledger_lines WHERE value_on <= '2025-12-31' GROUP BY company_id"""
# What snapshots say since migration 023.
BASELINES: Final = """
ALTER TABLE snapshots
    UPDATE policy_baseline_covered = [intDiv(covered, 2)], policy_baseline_divisor = [active], policy_why = [NULL]
    WHERE true"""
COMPANIES_REGISTERED: Final = """
INSERT INTO journal_companies (company_id, partition, recorded_at, name, kbli, regency, came_from_offset)
SELECT company_id, partition, recorded_at, 'PT ' || company_id,
    arrayElement(['15201', '15202', '15209', '14111'], sipHash64(company_id) % 4 + 1),
    'Regency ' || toString(sipHash64(company_id, 1) % 35), offset
FROM snapshots"""
POLICY: Final = f"""
INSERT INTO journal_policies (policy_id, version, title, rule, threshold_bp, required, clock, employment_types,
    min_active, effective_from, baseline_on, ended, came_from_offset, recorded_at)
VALUES ('footwear', 1, 'The pact', 'growth', 2000, ['JKK', 'JKM'], 'raw', {list(EMPLOYMENT_TYPES)},
    0, '2025-01-01', '2024-12-31', false, 1, '2025-01-01 00:00:00')"""
ALERTS: Final = """
INSERT INTO alert_records (alert_id, status, reason, company_id, policy_id, business_date, episode, episode_start,
    journal_partition, journal_offset, recorded_at)
SELECT company_id || '/footwear/' || toString(episode), if(status = 0, 'firing', 'resolved'),
    if(status = 0, 'crossed', 'recovered'), company_id, 'footwear', episode_on + 20 * status, episode, episode_on,
    partition, 1000 * episode + status, recorded_at
FROM
(
    SELECT *, arrayJoin(range(1, 9)) AS episode, arrayJoin([0, 1]) AS status,
        toDate32('2025-01-15') + 40 * episode AS episode_on
    FROM snapshots
)"""
