CREATE OR REPLACE VIEW coverage_daily ${on_cluster} AS
WITH
    changes AS
    (
        SELECT
            company_id,
            toInt64(value_on) AS value_day,
            sum(quantity * (toInt64(employment_type_after != '') - toInt64(employment_type_before != ''))) AS active,
            sum(quantity * (toInt64(hasAll(programmes_after, [@required@]) AND employment_type_after != '')
                - toInt64(hasAll(programmes_before, [@required@]) AND employment_type_before != ''))) AS covered,
            sum(quantity * (toInt64(new_after AND NOT hasAll(programmes_after, [@required@]))
                - toInt64(new_before AND NOT hasAll(programmes_before, [@required@])))) AS uncovered_new,
--- programme
            sum(quantity * (toInt64(has(programmes_after, '@PROGRAMME@')) - toInt64(has(programmes_before, '@PROGRAMME@')))) AS @programme@,
---
        FROM ledger_lines FINAL
        GROUP BY company_id, value_day
    ),
    steps AS
    (
        SELECT
            company_id,
            value_day,
            snapshot.end_day AS end_day,
            leadInFrame(value_day, 1, end_day) OVER whole AS next_day,
            end_day - 3653 AS begin_day,
            sum(changes.active) OVER until_now AS active,
            sum(changes.covered) OVER until_now AS covered,
            sum(changes.uncovered_new) OVER until_now AS uncovered_new,
--- programme
            sum(changes.@programme@) OVER until_now AS enrolled_@programme@,
---
        FROM changes
        INNER JOIN (SELECT company_id, toInt64(as_of) + 1 AS end_day FROM snapshots FINAL) AS snapshot USING (company_id)
        WINDOW
            whole AS (PARTITION BY company_id ORDER BY value_day ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING),
            until_now AS (PARTITION BY company_id ORDER BY value_day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
SELECT
    company_id,
    toDate32(arrayJoin(arrayConcat(
        range(value_day, least(value_day + 1, begin_day)),  -- the value date alone, where it lies before the last days
        range(greatest(value_day, begin_day), least(next_day, end_day))
    ))) AS date,
    active,
    covered,
    uncovered_new,
--- programme
    enrolled_@programme@,
---
    if(active = 0, NULL, intDivOrZero(10000 * covered, active)) AS coverage_bp
FROM steps;
