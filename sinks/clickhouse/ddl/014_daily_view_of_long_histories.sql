-- One row per company and day, from the ledger alone: the changes of each value date, added up, hold until the next one.
-- Each of the last 3653 days up to the company's business date has a row, from the company's first value date on. Before
-- them only a value date has one, so that a hire of decades ago makes no rows of decades and no change is missing.
-- Days are counted as numbers, which do not end where dates do.
CREATE OR REPLACE VIEW coverage_daily ${on_cluster} AS
WITH
    changes AS
    (
        SELECT
            company_id,
            toInt64(value_on) AS value_day,
            sum(quantity * (toInt64(employment_type_after != '') - toInt64(employment_type_before != ''))) AS active,
            sum(quantity * (toInt64(hasAll(programmes_after, ['JKK', 'JKM']) AND employment_type_after != '')
                - toInt64(hasAll(programmes_before, ['JKK', 'JKM']) AND employment_type_before != ''))) AS covered,
            sum(quantity * (toInt64(new_after AND NOT hasAll(programmes_after, ['JKK', 'JKM']))
                - toInt64(new_before AND NOT hasAll(programmes_before, ['JKK', 'JKM'])))) AS uncovered_new,
            sum(quantity * (toInt64(has(programmes_after, 'JHT')) - toInt64(has(programmes_before, 'JHT')))) AS jht,
            sum(quantity * (toInt64(has(programmes_after, 'JKK')) - toInt64(has(programmes_before, 'JKK')))) AS jkk,
            sum(quantity * (toInt64(has(programmes_after, 'JKM')) - toInt64(has(programmes_before, 'JKM')))) AS jkm,
            sum(quantity * (toInt64(has(programmes_after, 'JKP')) - toInt64(has(programmes_before, 'JKP')))) AS jkp,
            sum(quantity * (toInt64(has(programmes_after, 'JMO')) - toInt64(has(programmes_before, 'JMO')))) AS jmo,
            sum(quantity * (toInt64(has(programmes_after, 'JP')) - toInt64(has(programmes_before, 'JP')))) AS jp
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
            sum(changes.jht) OVER until_now AS enrolled_jht,
            sum(changes.jkk) OVER until_now AS enrolled_jkk,
            sum(changes.jkm) OVER until_now AS enrolled_jkm,
            sum(changes.jkp) OVER until_now AS enrolled_jkp,
            sum(changes.jmo) OVER until_now AS enrolled_jmo,
            sum(changes.jp) OVER until_now AS enrolled_jp
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
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp,
    if(active = 0, NULL, intDivOrZero(10000 * covered, active)) AS coverage_bp
FROM steps;
