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
            + @known_at@
    ) AS refused,
    known_until AS known_to,
    -- Asked once: all parts below must see the same buckets as added up.
    @added_up@,
    toInt64(asked_on) + assumeNotNull(refused) AS day_asked,
    -- The month in which the longest window begins: before it, months suffice.
    toDate32(greatest(0, day_asked - @longest_window@)) AS window_date,
    toDate32(greatest(0, toInt64(window_date) - toDayOfMonth(window_date) + 1)) AS days_from,
    -- Changes of before the longest window are added up in one row of each company.
    changes AS
    (
        SELECT
            company_id,
            greatest(toInt64(value_on), day_asked - @longest_window@) AS value_day,
            sum(change.active) AS active,
            sum(change.covered) AS covered,
            sum(change.uncovered_new) AS uncovered_new,
--- programme
            sum(change.enrolled_@programme@) AS @programme@,
---
--- employment_type
            sum(change.active_@employment_type@) AS active_@employment_type@,
            sum(change.covered_@employment_type@) AS covered_@employment_type@,
---
            sum(change.joined) AS joined,
            sum(change.left) AS left,
            sum(change.gained_cover) AS gained_cover,
            sum(change.lost_cover) AS lost_cover
        FROM
        (
@changes_since@
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
