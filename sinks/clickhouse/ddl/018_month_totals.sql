-- The changes of a full bucket, added up for each company and value date, and once more for each company and month: a figure
-- on a date is the sum of the months before it and of a few days, instead of all days since the company began. Both are
-- written by an attempt, never added to; a row counts if `ledger_buckets` names its attempt, which it does last. Days lie
-- in the order of their months, so that a query reads only those that it asks for.
CREATE TABLE IF NOT EXISTS ledger_totals_by_day ${on_cluster}
(
    company_id LowCardinality(String),
    value_on Date32,
    attempt LowCardinality(String),
    active Int32,
    covered Int32,
    uncovered_new Int32,
    enrolled_jht Int32,
    enrolled_jkk Int32,
    enrolled_jkm Int32,
    enrolled_jkp Int32,
    enrolled_jmo Int32,
    enrolled_jp Int32,
    active_daily Int32,
    covered_daily Int32,
    active_fixed_term Int32,
    covered_fixed_term Int32,
    active_outsourced Int32,
    covered_outsourced Int32,
    active_permanent Int32,
    covered_permanent Int32,
    active_unspecified Int32,
    covered_unspecified Int32,
    joined Int32,
    left Int32,
    gained_cover Int32,
    lost_cover Int32,
    month Date32 MATERIALIZED toDate32(toInt64(value_on) - toDayOfMonth(value_on) + 1)
)
ENGINE = ${replicated}ReplacingMergeTree
ORDER BY (month, company_id, value_on, attempt)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- `month` is the first day of the month.
CREATE TABLE IF NOT EXISTS ledger_totals_by_month ${on_cluster}
(
    company_id LowCardinality(String),
    month Date32,
    attempt LowCardinality(String),
    active Int32,
    covered Int32,
    uncovered_new Int32,
    enrolled_jht Int32,
    enrolled_jkk Int32,
    enrolled_jkm Int32,
    enrolled_jkp Int32,
    enrolled_jmo Int32,
    enrolled_jp Int32,
    active_daily Int32,
    covered_daily Int32,
    active_fixed_term Int32,
    covered_fixed_term Int32,
    active_outsourced Int32,
    covered_outsourced Int32,
    active_permanent Int32,
    covered_permanent Int32,
    active_unspecified Int32,
    covered_unspecified Int32,
    joined Int32,
    left Int32,
    gained_cover Int32,
    lost_cover Int32
)
ENGINE = ${replicated}ReplacingMergeTree
ORDER BY (company_id, month, attempt)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- The buckets that are added up, by which attempt (none: no longer), and when their first and last lines were recorded.
CREATE TABLE IF NOT EXISTS ledger_buckets ${on_cluster}
(
    partition UInt32,
    bucket UInt64,
    attempt String,
    first_at DateTime64(3, 'UTC'),
    last_at DateTime64(3, 'UTC'),
    line_count UInt64,
    version UInt64
)
ENGINE = ${replicated}ReplacingMergeTree(version)
ORDER BY (partition, bucket)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- What each posting changed, in numbers.
CREATE OR REPLACE VIEW ledger_changes ${on_cluster} AS
SELECT
    company_id,
    value_on,
    partition,
    offset,
    posting,
    recorded_at,
    quantity,
    class_before,
    class_after,
    quantity * (toInt64(class_after != 0)
        - toInt64(class_before != 0)) AS active,
    quantity * (toInt64(bitAnd(class_after, 48) = 48)
        - toInt64(bitAnd(class_before, 48) = 48)) AS covered,
    quantity * (toInt64(bitAnd(class_after, 512) != 0 AND bitAnd(class_after, 48) != 48)
        - toInt64(bitAnd(class_before, 512) != 0 AND bitAnd(class_before, 48) != 48)) AS uncovered_new,
    quantity * (toInt64(bitTest(class_after, 3))
        - toInt64(bitTest(class_before, 3))) AS enrolled_jht,
    quantity * (toInt64(bitTest(class_after, 4))
        - toInt64(bitTest(class_before, 4))) AS enrolled_jkk,
    quantity * (toInt64(bitTest(class_after, 5))
        - toInt64(bitTest(class_before, 5))) AS enrolled_jkm,
    quantity * (toInt64(bitTest(class_after, 6))
        - toInt64(bitTest(class_before, 6))) AS enrolled_jkp,
    quantity * (toInt64(bitTest(class_after, 7))
        - toInt64(bitTest(class_before, 7))) AS enrolled_jmo,
    quantity * (toInt64(bitTest(class_after, 8))
        - toInt64(bitTest(class_before, 8))) AS enrolled_jp,
    quantity * (toInt64(bitAnd(class_after, 7) = 1)
        - toInt64(bitAnd(class_before, 7) = 1)) AS active_daily,
    quantity * (toInt64(bitAnd(class_after, 55) = 49)
        - toInt64(bitAnd(class_before, 55) = 49)) AS covered_daily,
    quantity * (toInt64(bitAnd(class_after, 7) = 2)
        - toInt64(bitAnd(class_before, 7) = 2)) AS active_fixed_term,
    quantity * (toInt64(bitAnd(class_after, 55) = 50)
        - toInt64(bitAnd(class_before, 55) = 50)) AS covered_fixed_term,
    quantity * (toInt64(bitAnd(class_after, 7) = 3)
        - toInt64(bitAnd(class_before, 7) = 3)) AS active_outsourced,
    quantity * (toInt64(bitAnd(class_after, 55) = 51)
        - toInt64(bitAnd(class_before, 55) = 51)) AS covered_outsourced,
    quantity * (toInt64(bitAnd(class_after, 7) = 4)
        - toInt64(bitAnd(class_before, 7) = 4)) AS active_permanent,
    quantity * (toInt64(bitAnd(class_after, 55) = 52)
        - toInt64(bitAnd(class_before, 55) = 52)) AS covered_permanent,
    quantity * (toInt64(bitAnd(class_after, 7) = 5)
        - toInt64(bitAnd(class_before, 7) = 5)) AS active_unspecified,
    quantity * (toInt64(bitAnd(class_after, 55) = 53)
        - toInt64(bitAnd(class_before, 55) = 53)) AS covered_unspecified,
    quantity * toInt64(class_before = 0 AND class_after != 0) AS joined,
    quantity * toInt64(class_before != 0 AND class_after = 0) AS left,
    quantity * toInt64(bitAnd(class_before, 48) != 48 AND bitAnd(class_after, 48) = 48) AS gained_cover,
    quantity * toInt64(bitAnd(class_before, 48) = 48 AND bitAnd(class_after, 48) != 48) AS lost_cover
FROM ledger_lines FINAL;

-- The changes of each company by value date, as known at a recording time: full buckets from `ledger_totals`, all others
-- from their lines. A company and date may have several rows, which are to be added. A bucket of which a part was known
-- is read from its lines. Where `ledger_totalled` names a bucket, `ledger_totals` has it whole.
CREATE OR REPLACE VIEW coverage_changes ${on_cluster} AS
WITH
    upper({known_at:String}) AS known_text,
    parseDateTime64BestEffortOrZero(known_text, 3, 'UTC') AS known_until,  -- 1970 where the date does not exist
    -- Subqueries, so that each is asked once: all parts below must see the same buckets as added up.
    (
        SELECT throwIf(
                NOT match(known_text, '\\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]')
                    OR NOT match(
                        substring(known_text, 11),
                        '\\A(T[0-9:]{8}([.][0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])| [0-9:]{8}[.][0-9]{3,9})\\z'
                    )
                    OR (known_text LIKE '% %' AND known_until != parseDateTime64BestEffortOrZero(known_text, 3))
                    OR substring(known_text, 1, 4) NOT BETWEEN '1999' AND '2200'
                    OR known_until < toDateTime64('2000-01-01 00:00:00', 3, 'UTC')
                    OR known_until >= toDateTime64('2200-01-01 00:00:00', 3, 'UTC'),
                'known_at must be an instant of 2000 to 2199: RFC 3339 with an offset, such as 2025-09-02T00:00:00+07:00,'
                || ' or a DateTime64(3) in a session whose time zone is UTC'
            )
    ) AS refused,
    (SELECT groupArray((partition, bucket, attempt, first_at, last_at)) FROM ledger_buckets FINAL WHERE attempt != '') AS added_up,
    fromUnixTimestamp64Milli(toUnixTimestamp64Milli(known_until) + assumeNotNull(refused), 'UTC') AS known_to
SELECT
    company_id,
    value_on,
    active,
    covered,
    uncovered_new,
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp,
    active_daily,
    covered_daily,
    active_fixed_term,
    covered_fixed_term,
    active_outsourced,
    covered_outsourced,
    active_permanent,
    covered_permanent,
    active_unspecified,
    covered_unspecified,
    joined,
    left,
    gained_cover,
    lost_cover
FROM ledger_totals_by_day
WHERE attempt IN (SELECT each.3 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to)
UNION ALL
SELECT
    company_id,
    value_on,
    active,
    covered,
    uncovered_new,
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp,
    active_daily,
    covered_daily,
    active_fixed_term,
    covered_fixed_term,
    active_outsourced,
    covered_outsourced,
    active_permanent,
    covered_permanent,
    active_unspecified,
    covered_unspecified,
    joined,
    left,
    gained_cover,
    lost_cover
FROM ledger_changes
WHERE (partition, bitShiftRight(offset, 18)) NOT IN
    (SELECT each.1, each.2 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to OR each.4 > known_to)
    AND recorded_at <= known_to;

-- The same, with the changes of before a month as one row for each month of theirs: their date is the first of the month.
-- For figures on dates from `since` on, this reads a tenth of the rows or less.
CREATE OR REPLACE VIEW coverage_changes_since ${on_cluster} AS
WITH
    toDate32OrZero({since:String}) AS asked_on,
    upper({known_at:String}) AS known_text,
    parseDateTime64BestEffortOrZero(known_text, 3, 'UTC') AS known_until,  -- 1970 where the date does not exist
    -- Subqueries, so that each is asked once: all parts below must see the same buckets as added up.
    (
        SELECT
            throwIf(
                NOT match({since:String}, '\\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\\z')
                    OR toString(asked_on) != {since:String}
                    OR {since:String} NOT BETWEEN '1900-01-01' AND '2299-12-31',
                'since must be a date that exists, written YYYY-MM-DD, from 1900-01-01 to 2299-12-31'
            )
            + throwIf(
                NOT match(known_text, '\\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]')
                    OR NOT match(
                        substring(known_text, 11),
                        '\\A(T[0-9:]{8}([.][0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])| [0-9:]{8}[.][0-9]{3,9})\\z'
                    )
                    OR (known_text LIKE '% %' AND known_until != parseDateTime64BestEffortOrZero(known_text, 3))
                    OR substring(known_text, 1, 4) NOT BETWEEN '1999' AND '2200'
                    OR known_until < toDateTime64('2000-01-01 00:00:00', 3, 'UTC')
                    OR known_until >= toDateTime64('2200-01-01 00:00:00', 3, 'UTC'),
                'known_at must be an instant of 2000 to 2199: RFC 3339 with an offset, such as 2025-09-02T00:00:00+07:00,'
                || ' or a DateTime64(3) in a session whose time zone is UTC'
            )
    ) AS refused,
    (SELECT groupArray((partition, bucket, attempt, first_at, last_at)) FROM ledger_buckets FINAL WHERE attempt != '') AS added_up,
    fromUnixTimestamp64Milli(toUnixTimestamp64Milli(known_until) + assumeNotNull(refused), 'UTC') AS known_to,
    toDate32(greatest(0, toInt64(asked_on) - toDayOfMonth(asked_on) + 1)) AS days_from
SELECT
    company_id,
    month AS value_on,
    active,
    covered,
    uncovered_new,
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp,
    active_daily,
    covered_daily,
    active_fixed_term,
    covered_fixed_term,
    active_outsourced,
    covered_outsourced,
    active_permanent,
    covered_permanent,
    active_unspecified,
    covered_unspecified,
    joined,
    left,
    gained_cover,
    lost_cover
FROM ledger_totals_by_month
WHERE month < days_from AND attempt IN (SELECT each.3 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to)
UNION ALL
SELECT
    company_id,
    value_on,
    active,
    covered,
    uncovered_new,
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp,
    active_daily,
    covered_daily,
    active_fixed_term,
    covered_fixed_term,
    active_outsourced,
    covered_outsourced,
    active_permanent,
    covered_permanent,
    active_unspecified,
    covered_unspecified,
    joined,
    left,
    gained_cover,
    lost_cover
FROM ledger_totals_by_day
WHERE ledger_totals_by_day.month >= days_from AND attempt IN (SELECT each.3 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to)
UNION ALL
SELECT
    company_id,
    value_on,
    active,
    covered,
    uncovered_new,
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp,
    active_daily,
    covered_daily,
    active_fixed_term,
    covered_fixed_term,
    active_outsourced,
    covered_outsourced,
    active_permanent,
    covered_permanent,
    active_unspecified,
    covered_unspecified,
    joined,
    left,
    gained_cover,
    lost_cover
FROM ledger_changes
WHERE (partition, bitShiftRight(offset, 18)) NOT IN
    (SELECT each.1, each.2 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to OR each.4 > known_to)
    AND recorded_at <= known_to;

-- The figures as of a business date as known at a recording time: the lines of the journal entries recorded by then, with
-- a value date up to that date. A window of N days ends with the date.
--
-- Both parameters are texts, whatever type is written for them: ClickHouse reads 2025-02-30 as a Date of 2 March. An
-- expression arrives as the text of its value, which for a DateTime64 is without its time zone: taken as UTC, and
-- refused in a session whose time zone is another one. Days are counted as numbers, which do not end where dates do.
CREATE OR REPLACE VIEW coverage_as_of ${on_cluster} AS
WITH
    toDate32OrZero({as_of:String}) AS asked_on,
    upper({known_at:String}) AS known_text,
    parseDateTime64BestEffortOrZero(known_text, 3, 'UTC') AS known_until,  -- 1970 where the date does not exist
    -- A subquery, so that it is asked once, and also where there is no line.
    (
        SELECT
            throwIf(
                NOT match({as_of:String}, '\\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\\z')
                    OR toString(asked_on) != {as_of:String}
                    OR {as_of:String} NOT BETWEEN '1900-01-01' AND '2299-12-31',
                'as_of must be a date that exists, written YYYY-MM-DD, from 1900-01-01 to 2299-12-31'
            )
            + throwIf(
                NOT match(known_text, '\\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]')
                    OR NOT match(
                        substring(known_text, 11),
                        '\\A(T[0-9:]{8}([.][0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])| [0-9:]{8}[.][0-9]{3,9})\\z'
                    )
                    OR (known_text LIKE '% %' AND known_until != parseDateTime64BestEffortOrZero(known_text, 3))
                    OR substring(known_text, 1, 4) NOT BETWEEN '1999' AND '2200'
                    OR known_until < toDateTime64('2000-01-01 00:00:00', 3, 'UTC')
                    OR known_until >= toDateTime64('2200-01-01 00:00:00', 3, 'UTC'),
                'known_at must be an instant of 2000 to 2199: RFC 3339 with an offset, such as 2025-09-02T00:00:00+07:00,'
                || ' or a DateTime64(3) in a session whose time zone is UTC'
            )
    ) AS refused,
    known_until AS known_to,
    -- Asked once: all parts below must see the same buckets as added up.
    (SELECT groupArray((partition, bucket, attempt, first_at, last_at)) FROM ledger_buckets FINAL WHERE attempt != '') AS added_up,
    toInt64(asked_on) + assumeNotNull(refused) AS day_asked,
    -- The month in which the longest window begins: before it, months suffice.
    toDate32(greatest(0, day_asked - 90)) AS window_date,
    toDate32(greatest(0, toInt64(window_date) - toDayOfMonth(window_date) + 1)) AS days_from,
    -- Changes of before the longest window are added up in one row of each company.
    changes AS
    (
        SELECT
            company_id,
            greatest(toInt64(value_on), day_asked - 90) AS value_day,
            sum(change.active) AS active,
            sum(change.covered) AS covered,
            sum(change.uncovered_new) AS uncovered_new,
            sum(change.enrolled_jht) AS jht,
            sum(change.enrolled_jkk) AS jkk,
            sum(change.enrolled_jkm) AS jkm,
            sum(change.enrolled_jkp) AS jkp,
            sum(change.enrolled_jmo) AS jmo,
            sum(change.enrolled_jp) AS jp,
            sum(change.active_daily) AS active_daily,
            sum(change.covered_daily) AS covered_daily,
            sum(change.active_fixed_term) AS active_fixed_term,
            sum(change.covered_fixed_term) AS covered_fixed_term,
            sum(change.active_outsourced) AS active_outsourced,
            sum(change.covered_outsourced) AS covered_outsourced,
            sum(change.active_permanent) AS active_permanent,
            sum(change.covered_permanent) AS covered_permanent,
            sum(change.active_unspecified) AS active_unspecified,
            sum(change.covered_unspecified) AS covered_unspecified,
            sum(change.joined) AS joined,
            sum(change.left) AS left,
            sum(change.gained_cover) AS gained_cover,
            sum(change.lost_cover) AS lost_cover
        FROM
        (
SELECT
    company_id,
    month AS value_on,
    active,
    covered,
    uncovered_new,
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp,
    active_daily,
    covered_daily,
    active_fixed_term,
    covered_fixed_term,
    active_outsourced,
    covered_outsourced,
    active_permanent,
    covered_permanent,
    active_unspecified,
    covered_unspecified,
    joined,
    left,
    gained_cover,
    lost_cover
FROM ledger_totals_by_month
WHERE month < days_from AND attempt IN (SELECT each.3 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to)
UNION ALL
SELECT
    company_id,
    value_on,
    active,
    covered,
    uncovered_new,
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp,
    active_daily,
    covered_daily,
    active_fixed_term,
    covered_fixed_term,
    active_outsourced,
    covered_outsourced,
    active_permanent,
    covered_permanent,
    active_unspecified,
    covered_unspecified,
    joined,
    left,
    gained_cover,
    lost_cover
FROM ledger_totals_by_day
WHERE ledger_totals_by_day.month >= days_from AND attempt IN (SELECT each.3 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to)
UNION ALL
SELECT
    company_id,
    value_on,
    active,
    covered,
    uncovered_new,
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp,
    active_daily,
    covered_daily,
    active_fixed_term,
    covered_fixed_term,
    active_outsourced,
    covered_outsourced,
    active_permanent,
    covered_permanent,
    active_unspecified,
    covered_unspecified,
    joined,
    left,
    gained_cover,
    lost_cover
FROM ledger_changes
WHERE (partition, bitShiftRight(offset, 18)) NOT IN
    (SELECT each.1, each.2 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to OR each.4 > known_to)
    AND recorded_at <= known_to
        ) AS change
        WHERE toInt64(value_on) <= day_asked
        GROUP BY company_id, value_day
    ),
    steps AS
    (
        SELECT
            *,
            sum(active) OVER until_now AS active_then,
            sum(covered) OVER until_now AS covered_then,
            leadInFrame(value_day, 1, day_asked + 1) OVER whole AS next_day,
            greatest(0, next_day - greatest(value_day, day_asked - 6)) AS days_7,
            greatest(0, next_day - greatest(value_day, day_asked - 29)) AS days_30,
            greatest(0, next_day - greatest(value_day, day_asked - 89)) AS days_90
        FROM changes
        WINDOW
            whole AS (PARTITION BY company_id ORDER BY value_day ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING),
            until_now AS (PARTITION BY company_id ORDER BY value_day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ),
    figures AS
    (
        SELECT
            company_id,
            sum(active) AS active_sum,
            sum(covered) AS covered_sum,
            sum(uncovered_new) AS uncovered_new_sum,
            sum(jht) AS enrolled_jht,
            sum(jkk) AS enrolled_jkk,
            sum(jkm) AS enrolled_jkm,
            sum(jkp) AS enrolled_jkp,
            sum(jmo) AS enrolled_jmo,
            sum(jp) AS enrolled_jp,
            sum(active_daily) AS active_daily_sum,
            sum(covered_daily) AS covered_daily_sum,
            sum(active_fixed_term) AS active_fixed_term_sum,
            sum(covered_fixed_term) AS covered_fixed_term_sum,
            sum(active_outsourced) AS active_outsourced_sum,
            sum(covered_outsourced) AS covered_outsourced_sum,
            sum(active_permanent) AS active_permanent_sum,
            sum(covered_permanent) AS covered_permanent_sum,
            sum(active_unspecified) AS active_unspecified_sum,
            sum(covered_unspecified) AS covered_unspecified_sum,
            sumIf(joined, value_day > day_asked - 7) AS joined_7,
            sumIf(left, value_day > day_asked - 7) AS left_7,
            sumIf(gained_cover, value_day > day_asked - 7) AS gained_cover_7,
            sumIf(lost_cover, value_day > day_asked - 7) AS lost_cover_7,
            sum(covered_then * days_7) AS covered_days_7,
            sum(active_then * days_7) AS active_days_7,
            minIf(intDivOrZero(10000 * covered_then, active_then), active_then > 0 AND days_7 > 0) AS min_bp_7,
            sumIf(joined, value_day > day_asked - 30) AS joined_30,
            sumIf(left, value_day > day_asked - 30) AS left_30,
            sumIf(gained_cover, value_day > day_asked - 30) AS gained_cover_30,
            sumIf(lost_cover, value_day > day_asked - 30) AS lost_cover_30,
            sum(covered_then * days_30) AS covered_days_30,
            sum(active_then * days_30) AS active_days_30,
            minIf(intDivOrZero(10000 * covered_then, active_then), active_then > 0 AND days_30 > 0) AS min_bp_30,
            sumIf(joined, value_day > day_asked - 90) AS joined_90,
            sumIf(left, value_day > day_asked - 90) AS left_90,
            sumIf(gained_cover, value_day > day_asked - 90) AS gained_cover_90,
            sumIf(lost_cover, value_day > day_asked - 90) AS lost_cover_90,
            sum(covered_then * days_90) AS covered_days_90,
            sum(active_then * days_90) AS active_days_90,
            minIf(intDivOrZero(10000 * covered_then, active_then), active_then > 0 AND days_90 > 0) AS min_bp_90
        FROM steps
        GROUP BY company_id
    )
SELECT
    company_id,
    asked_on AS as_of,
    active_sum AS active,
    covered_sum AS covered,
    active_sum - covered_sum AS uncovered,
    uncovered_new_sum AS uncovered_new,
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp,
    active_daily_sum AS active_daily,
    covered_daily_sum AS covered_daily,
    active_fixed_term_sum AS active_fixed_term,
    covered_fixed_term_sum AS covered_fixed_term,
    active_outsourced_sum AS active_outsourced,
    covered_outsourced_sum AS covered_outsourced,
    active_permanent_sum AS active_permanent,
    covered_permanent_sum AS covered_permanent,
    active_unspecified_sum AS active_unspecified,
    covered_unspecified_sum AS covered_unspecified,
    if(active = 0, NULL, intDivOrZero(10000 * covered, active)) AS coverage_bp,
    if(active = uncovered_new, NULL, intDivOrZero(10000 * covered, active - uncovered_new)) AS coverage_due_bp,
    joined_7,
    left_7,
    gained_cover_7,
    lost_cover_7,
    if(active_days_7 = 0, NULL, intDivOrZero(10000 * covered_days_7, active_days_7)) AS mean_coverage_bp_7,
    if(active_days_7 = 0, NULL, min_bp_7) AS min_coverage_bp_7,
    joined_30,
    left_30,
    gained_cover_30,
    lost_cover_30,
    if(active_days_30 = 0, NULL, intDivOrZero(10000 * covered_days_30, active_days_30)) AS mean_coverage_bp_30,
    if(active_days_30 = 0, NULL, min_bp_30) AS min_coverage_bp_30,
    joined_90,
    left_90,
    gained_cover_90,
    lost_cover_90,
    if(active_days_90 = 0, NULL, intDivOrZero(10000 * covered_days_90, active_days_90)) AS mean_coverage_bp_90,
    if(active_days_90 = 0, NULL, min_bp_90) AS min_coverage_bp_90
FROM figures;

-- One row per company and day, from the ledger alone. Each of the last 3653 days up to the company's business date has a
-- row, from the company's first value date on. Before them only a value date has one, so that a hire of decades ago makes
-- no rows of decades and no change is missing. Days are counted as numbers, which do not end where dates do.
--
-- A day is the sum of what its month began with and of the changes since. So a condition on the date, or on the company,
-- reaches the tables: nothing is worked out for days that nobody asked for.
CREATE OR REPLACE VIEW coverage_daily ${on_cluster} AS
WITH
    toDateTime64('2199-12-31 23:59:59.999', 3, 'UTC') AS known_to,
    -- Asked once: all parts below must see the same buckets as added up.
    (SELECT groupArray((partition, bucket, attempt, first_at, last_at)) FROM ledger_buckets FINAL WHERE attempt != '') AS added_up,
    changes AS
    (
        SELECT *, toInt64(value_on) AS value_day, value_day - toDayOfMonth(value_on) + 1 AS month_day
        FROM
        (
SELECT
    company_id,
    value_on,
    active,
    covered,
    uncovered_new,
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp
FROM ledger_totals_by_day
WHERE attempt IN (SELECT each.3 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to)
UNION ALL
SELECT
    company_id,
    value_on,
    quantity * (toInt64(class_after != 0)
        - toInt64(class_before != 0)) AS active,
    quantity * (toInt64(bitAnd(class_after, 48) = 48)
        - toInt64(bitAnd(class_before, 48) = 48)) AS covered,
    quantity * (toInt64(bitAnd(class_after, 512) != 0 AND bitAnd(class_after, 48) != 48)
        - toInt64(bitAnd(class_before, 512) != 0 AND bitAnd(class_before, 48) != 48)) AS uncovered_new,
    quantity * (toInt64(bitTest(class_after, 3))
        - toInt64(bitTest(class_before, 3))) AS enrolled_jht,
    quantity * (toInt64(bitTest(class_after, 4))
        - toInt64(bitTest(class_before, 4))) AS enrolled_jkk,
    quantity * (toInt64(bitTest(class_after, 5))
        - toInt64(bitTest(class_before, 5))) AS enrolled_jkm,
    quantity * (toInt64(bitTest(class_after, 6))
        - toInt64(bitTest(class_before, 6))) AS enrolled_jkp,
    quantity * (toInt64(bitTest(class_after, 7))
        - toInt64(bitTest(class_before, 7))) AS enrolled_jmo,
    quantity * (toInt64(bitTest(class_after, 8))
        - toInt64(bitTest(class_before, 8))) AS enrolled_jp
FROM ledger_lines FINAL
WHERE (partition, bitShiftRight(offset, 18)) NOT IN
    (SELECT each.1, each.2 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to OR each.4 > known_to)
        )
    ),
    monthly_changes AS
    (
        SELECT *, toInt64(month) AS month_day
        FROM
        (
SELECT
    company_id,
    month,
    active,
    covered,
    uncovered_new,
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp
FROM ledger_totals_by_month
WHERE attempt IN (SELECT each.3 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to)
UNION ALL
SELECT
    company_id,
    toDate32(toInt64(value_on) - toDayOfMonth(value_on) + 1),
    quantity * (toInt64(class_after != 0)
        - toInt64(class_before != 0)) AS active,
    quantity * (toInt64(bitAnd(class_after, 48) = 48)
        - toInt64(bitAnd(class_before, 48) = 48)) AS covered,
    quantity * (toInt64(bitAnd(class_after, 512) != 0 AND bitAnd(class_after, 48) != 48)
        - toInt64(bitAnd(class_before, 512) != 0 AND bitAnd(class_before, 48) != 48)) AS uncovered_new,
    quantity * (toInt64(bitTest(class_after, 3))
        - toInt64(bitTest(class_before, 3))) AS enrolled_jht,
    quantity * (toInt64(bitTest(class_after, 4))
        - toInt64(bitTest(class_before, 4))) AS enrolled_jkk,
    quantity * (toInt64(bitTest(class_after, 5))
        - toInt64(bitTest(class_before, 5))) AS enrolled_jkm,
    quantity * (toInt64(bitTest(class_after, 6))
        - toInt64(bitTest(class_before, 6))) AS enrolled_jkp,
    quantity * (toInt64(bitTest(class_after, 7))
        - toInt64(bitTest(class_before, 7))) AS enrolled_jmo,
    quantity * (toInt64(bitTest(class_after, 8))
        - toInt64(bitTest(class_before, 8))) AS enrolled_jp
FROM ledger_lines FINAL
WHERE (partition, bitShiftRight(offset, 18)) NOT IN
    (SELECT each.1, each.2 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to OR each.4 > known_to)
        )
    ),
    company_ends AS
    (
        SELECT toLowCardinality(company_id) AS company_id, toInt64(as_of) + 1 AS end_day, end_day - 3653 AS begin_day
        FROM snapshots FINAL
    ),
    dates AS
    (
        SELECT company_id, day, date, day - toDayOfMonth(date) + 1 AS month_day
        FROM company_ends
        CROSS JOIN
        (
            SELECT toInt64(number) AS day, toDate32(day) AS date
            FROM numbers(
                assumeNotNull((SELECT toUInt64(greatest(0, min(begin_day))) FROM company_ends)),
                assumeNotNull((SELECT toUInt64(max(end_day) - greatest(0, min(begin_day))) FROM company_ends))
            )
        ) AS days
        WHERE day >= begin_day AND day < end_day
        UNION ALL
        -- Before the last days only value dates have a row.
        SELECT DISTINCT company_id, value_day, value_on, month_day
        FROM changes
        INNER JOIN company_ends USING (company_id)
        WHERE value_day < assumeNotNull((SELECT max(begin_day) FROM company_ends)) AND value_day < begin_day
    ),
    -- What a company's months begin with, from the month after its first change on.
    openings AS
    (
        SELECT
            company_id,
            arrayJoin(arrayMap(
                n -> toInt64(addMonths(toDate32(changed_month_day), n)),
                range(1, toUInt64(greatest(1, 1 + dateDiff('month', toDate32(changed_month_day), toDate32(next_month_day)))))
            )) AS month_day,
            active,
            covered,
            uncovered_new,
            enrolled_jht,
            enrolled_jkk,
            enrolled_jkm,
            enrolled_jkp,
            enrolled_jmo,
            enrolled_jp
        FROM
        (
            SELECT
                company_id,
                month_day AS changed_month_day,
                leadInFrame(month_day, 1, end_day) OVER whole AS next_month_day,
                sum(months.active) OVER until_now AS active,
                sum(months.covered) OVER until_now AS covered,
                sum(months.uncovered_new) OVER until_now AS uncovered_new,
                sum(months.enrolled_jht) OVER until_now AS enrolled_jht,
                sum(months.enrolled_jkk) OVER until_now AS enrolled_jkk,
                sum(months.enrolled_jkm) OVER until_now AS enrolled_jkm,
                sum(months.enrolled_jkp) OVER until_now AS enrolled_jkp,
                sum(months.enrolled_jmo) OVER until_now AS enrolled_jmo,
                sum(months.enrolled_jp) OVER until_now AS enrolled_jp
            FROM
            (
                SELECT
                    company_id,
                    month_day,
                    sum(monthly_changes.active) AS active,
                    sum(monthly_changes.covered) AS covered,
                    sum(monthly_changes.uncovered_new) AS uncovered_new,
                    sum(monthly_changes.enrolled_jht) AS enrolled_jht,
                    sum(monthly_changes.enrolled_jkk) AS enrolled_jkk,
                    sum(monthly_changes.enrolled_jkm) AS enrolled_jkm,
                    sum(monthly_changes.enrolled_jkp) AS enrolled_jkp,
                    sum(monthly_changes.enrolled_jmo) AS enrolled_jmo,
                    sum(monthly_changes.enrolled_jp) AS enrolled_jp
                FROM monthly_changes
                GROUP BY company_id, month_day
            ) AS months
            INNER JOIN company_ends USING (company_id)
            WINDOW
                whole AS (PARTITION BY company_id ORDER BY month_day ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING),
                until_now AS (PARTITION BY company_id ORDER BY month_day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
        )
    ),
    parts AS
    (
        SELECT
            company_id,
            month_day,
            month_day AS from_day,
            active,
            covered,
            uncovered_new,
            enrolled_jht,
            enrolled_jkk,
            enrolled_jkm,
            enrolled_jkp,
            enrolled_jmo,
            enrolled_jp
        FROM openings
        UNION ALL
        SELECT
            company_id,
            month_day,
            value_day,
            active,
            covered,
            uncovered_new,
            enrolled_jht,
            enrolled_jkk,
            enrolled_jkm,
            enrolled_jkp,
            enrolled_jmo,
            enrolled_jp
        FROM changes
    )
SELECT
    dates.company_id AS company_id,
    dates.date AS date,
    sum(parts.active) AS active,
    sum(parts.covered) AS covered,
    sum(parts.uncovered_new) AS uncovered_new,
    sum(parts.enrolled_jht) AS enrolled_jht,
    sum(parts.enrolled_jkk) AS enrolled_jkk,
    sum(parts.enrolled_jkm) AS enrolled_jkm,
    sum(parts.enrolled_jkp) AS enrolled_jkp,
    sum(parts.enrolled_jmo) AS enrolled_jmo,
    sum(parts.enrolled_jp) AS enrolled_jp,
    if(active = 0, NULL, intDivOrZero(10000 * covered, active)) AS coverage_bp
FROM parts
INNER JOIN dates ON dates.company_id = parts.company_id AND dates.month_day = parts.month_day
WHERE parts.from_day <= dates.day
GROUP BY company_id, date;

-- What was added up by days alone is added up anew, by the sink, from its lines.
DROP TABLE IF EXISTS ledger_totals ${on_cluster};

DROP TABLE IF EXISTS ledger_totalled ${on_cluster};
