CREATE OR REPLACE VIEW coverage_daily ${on_cluster} AS
WITH
    toDateTime64('2199-12-31 23:59:59.999', 3, 'UTC') AS known_to,
    -- Asked once: both halves below must see the same buckets as added up.
    (SELECT groupArray((partition, bucket, attempt, first_at, last_at)) FROM ledger_totalled FINAL WHERE attempt != '') AS totalled,
    changes AS
    (
        SELECT *, toInt64(value_on) AS value_day, value_day - toDayOfMonth(value_on) + 1 AS month_day
        FROM
        (
@changes@
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
--- programme
            enrolled_@programme@,
---
        FROM
        (
            SELECT
                company_id,
                month_day AS changed_month_day,
                leadInFrame(month_day, 1, end_day) OVER whole AS next_month_day,
                sum(months.active) OVER until_now AS active,
                sum(months.covered) OVER until_now AS covered,
                sum(months.uncovered_new) OVER until_now AS uncovered_new,
--- programme
                sum(months.enrolled_@programme@) OVER until_now AS enrolled_@programme@,
---
            FROM
            (
                SELECT
                    company_id,
                    month_day,
                    sum(changes.active) AS active,
                    sum(changes.covered) AS covered,
                    sum(changes.uncovered_new) AS uncovered_new,
--- programme
                    sum(changes.enrolled_@programme@) AS enrolled_@programme@,
---
                FROM changes
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
            dates.company_id AS company_id,
            dates.date AS date,
            openings.active AS active,
            openings.covered AS covered,
            openings.uncovered_new AS uncovered_new,
--- programme
            openings.enrolled_@programme@ AS enrolled_@programme@,
---
        FROM openings
        INNER JOIN dates ON dates.company_id = openings.company_id AND dates.month_day = openings.month_day
        UNION ALL
        SELECT
            dates.company_id,
            dates.date,
            changes.active,
            changes.covered,
            changes.uncovered_new,
--- programme
            changes.enrolled_@programme@,
---
        FROM changes
        INNER JOIN dates ON dates.company_id = changes.company_id AND dates.month_day = changes.month_day
        WHERE changes.value_day <= dates.day
        UNION ALL
        -- Before the last days only value dates have a row.
        SELECT
            company_id,
            toDate32(value_day),
            sum(sum(changes.active)) OVER until_now,
            sum(sum(changes.covered)) OVER until_now,
            sum(sum(changes.uncovered_new)) OVER until_now,
--- programme
            sum(sum(changes.enrolled_@programme@)) OVER until_now,
---
        FROM changes
        INNER JOIN company_ends USING (company_id)
        WHERE value_day < assumeNotNull((SELECT max(begin_day) FROM company_ends)) AND value_day < begin_day
        GROUP BY company_id, value_day
        WINDOW until_now AS (PARTITION BY company_id ORDER BY value_day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
SELECT
    company_id,
    date,
    sum(parts.active) AS active,
    sum(parts.covered) AS covered,
    sum(parts.uncovered_new) AS uncovered_new,
--- programme
    sum(parts.enrolled_@programme@) AS enrolled_@programme@,
---
    if(active = 0, NULL, intDivOrZero(10000 * covered, active)) AS coverage_bp
FROM parts
GROUP BY company_id, date;
