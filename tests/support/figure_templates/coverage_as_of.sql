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
            toInt64(inside_before AND hasAll(programmes_before, [@required@])) AS covered_before,
            toInt64(inside_after AND hasAll(programmes_after, [@required@])) AS covered_after,
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
--- programme
            sum(quantity * (toInt64(inside_after AND has(programmes_after, '@PROGRAMME@'))
                - toInt64(inside_before AND has(programmes_before, '@PROGRAMME@')))) AS @programme@,
---
--- employment_type
            sum(quantity * (toInt64(employment_type_after = '@employment_type@') - toInt64(employment_type_before = '@employment_type@'))) AS active_@employment_type@,
            sum(quantity * (covered_after * toInt64(employment_type_after = '@employment_type@')
                - covered_before * toInt64(employment_type_before = '@employment_type@'))) AS covered_@employment_type@,
---
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
--- window
            greatest(0, next_day - greatest(value_day, day_asked - @window_less_1@)) AS days_@window@,
---
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
--- programme
            sum(@programme@) AS enrolled_@programme@,
---
--- employment_type
            sum(active_@employment_type@) AS active_@employment_type@_sum,
            sum(covered_@employment_type@) AS covered_@employment_type@_sum,
---
--- window
            sumIf(joined, value_day > day_asked - @window@) AS joined_@window@,
            sumIf(left, value_day > day_asked - @window@) AS left_@window@,
            sumIf(gained_cover, value_day > day_asked - @window@) AS gained_cover_@window@,
            sumIf(lost_cover, value_day > day_asked - @window@) AS lost_cover_@window@,
            sum(covered_then * days_@window@) AS covered_days_@window@,
            sum(active_then * days_@window@) AS active_days_@window@,
            minIf(intDivOrZero(10000 * covered_then, active_then), active_then > 0 AND days_@window@ > 0) AS min_bp_@window@,
---
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
--- programme
    enrolled_@programme@,
---
--- employment_type
    active_@employment_type@_sum AS active_@employment_type@,
    covered_@employment_type@_sum AS covered_@employment_type@,
---
    if(active = 0, NULL, intDivOrZero(10000 * covered, active)) AS coverage_bp,
    if(active = uncovered_new, NULL, intDivOrZero(10000 * covered, active - uncovered_new)) AS coverage_due_bp,
--- window
    joined_@window@,
    left_@window@,
    gained_cover_@window@,
    lost_cover_@window@,
    if(active_days_@window@ = 0, NULL, intDivOrZero(10000 * covered_days_@window@, active_days_@window@)) AS mean_coverage_bp_@window@,
    if(active_days_@window@ = 0, NULL, min_bp_@window@) AS min_coverage_bp_@window@,
---
FROM figures;
