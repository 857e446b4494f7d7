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
    toInt64(asked_on) + assumeNotNull(refused) AS day_asked,
    lines AS
    (
        SELECT
            company_id,
            toInt64(value_on) AS value_day,
            quantity,
            employment_type_before,
            employment_type_after,
            programmes_before,
            programmes_after,
            toInt64(employment_type_before != '') AS inside_before,
            toInt64(employment_type_after != '') AS inside_after,
            toInt64(inside_before AND hasAll(programmes_before, ['JKK', 'JKM'])) AS covered_before,
            toInt64(inside_after AND hasAll(programmes_after, ['JKK', 'JKM'])) AS covered_after,
            toInt64(new_before AND NOT covered_before) AS uncovered_new_before,
            toInt64(new_after AND NOT covered_after) AS uncovered_new_after
        FROM ledger_lines FINAL
        WHERE value_day <= day_asked AND recorded_at <= known_until
    ),
    changes AS
    (
        SELECT
            company_id,
            value_day,
            sum(quantity * (inside_after - inside_before)) AS active,
            sum(quantity * (covered_after - covered_before)) AS covered,
            sum(quantity * (uncovered_new_after - uncovered_new_before)) AS uncovered_new,
            sum(quantity * (toInt64(inside_after AND has(programmes_after, 'JHT'))
                - toInt64(inside_before AND has(programmes_before, 'JHT')))) AS jht,
            sum(quantity * (toInt64(inside_after AND has(programmes_after, 'JKK'))
                - toInt64(inside_before AND has(programmes_before, 'JKK')))) AS jkk,
            sum(quantity * (toInt64(inside_after AND has(programmes_after, 'JKM'))
                - toInt64(inside_before AND has(programmes_before, 'JKM')))) AS jkm,
            sum(quantity * (toInt64(inside_after AND has(programmes_after, 'JKP'))
                - toInt64(inside_before AND has(programmes_before, 'JKP')))) AS jkp,
            sum(quantity * (toInt64(inside_after AND has(programmes_after, 'JMO'))
                - toInt64(inside_before AND has(programmes_before, 'JMO')))) AS jmo,
            sum(quantity * (toInt64(inside_after AND has(programmes_after, 'JP'))
                - toInt64(inside_before AND has(programmes_before, 'JP')))) AS jp,
            sum(quantity * (toInt64(employment_type_after = 'daily') - toInt64(employment_type_before = 'daily'))) AS active_daily,
            sum(quantity * (covered_after * toInt64(employment_type_after = 'daily')
                - covered_before * toInt64(employment_type_before = 'daily'))) AS covered_daily,
            sum(quantity * (toInt64(employment_type_after = 'fixed_term') - toInt64(employment_type_before = 'fixed_term'))) AS active_fixed_term,
            sum(quantity * (covered_after * toInt64(employment_type_after = 'fixed_term')
                - covered_before * toInt64(employment_type_before = 'fixed_term'))) AS covered_fixed_term,
            sum(quantity * (toInt64(employment_type_after = 'outsourced') - toInt64(employment_type_before = 'outsourced'))) AS active_outsourced,
            sum(quantity * (covered_after * toInt64(employment_type_after = 'outsourced')
                - covered_before * toInt64(employment_type_before = 'outsourced'))) AS covered_outsourced,
            sum(quantity * (toInt64(employment_type_after = 'permanent') - toInt64(employment_type_before = 'permanent'))) AS active_permanent,
            sum(quantity * (covered_after * toInt64(employment_type_after = 'permanent')
                - covered_before * toInt64(employment_type_before = 'permanent'))) AS covered_permanent,
            sum(quantity * (toInt64(employment_type_after = 'unspecified') - toInt64(employment_type_before = 'unspecified'))) AS active_unspecified,
            sum(quantity * (covered_after * toInt64(employment_type_after = 'unspecified')
                - covered_before * toInt64(employment_type_before = 'unspecified'))) AS covered_unspecified,
            sum(quantity * toInt64(inside_after > inside_before)) AS joined,
            sum(quantity * toInt64(inside_after < inside_before)) AS left,
            sum(quantity * toInt64(covered_after > covered_before)) AS gained_cover,
            sum(quantity * toInt64(covered_after < covered_before)) AS lost_cover
        FROM lines
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
