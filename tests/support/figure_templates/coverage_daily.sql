CREATE OR REPLACE VIEW coverage_daily ${on_cluster} AS
WITH
    toDateTime64('2199-12-31 23:59:59.999', 3, 'UTC') AS known_to,
    -- Asked once: all parts below must see the same buckets as added up.
    @added_up@,
    changes AS
    (
        SELECT *, toInt64(value_on) AS value_day, value_day - toDayOfMonth(value_on) + 1 AS month_day
        FROM
        (
SELECT
    company_id,
    value_on,
--- people
    @people@,
---
FROM ledger_totals_by_day
WHERE attempt IN (SELECT each.3 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to)
UNION ALL
SELECT
    company_id,
    value_on,
--- people
    @expression@ AS @people@,
---
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
--- people
    @people@,
---
FROM ledger_totals_by_month
WHERE attempt IN (SELECT each.3 FROM (SELECT arrayJoin(added_up) AS each) WHERE each.5 <= known_to)
UNION ALL
SELECT
    company_id,
    toDate32(toInt64(value_on) - toDayOfMonth(value_on) + 1),
--- people
    @expression@ AS @people@,
---
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
--- people
            @people@,
---
        FROM
        (
            SELECT
                company_id,
                month_day AS changed_month_day,
                leadInFrame(month_day, 1, end_day) OVER whole AS next_month_day,
--- people
                sum(months.@people@) OVER until_now AS @people@,
---
            FROM
            (
                SELECT
                    company_id,
                    month_day,
--- people
                    sum(monthly_changes.@people@) AS @people@,
---
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
--- people
            @people@,
---
        FROM openings
        UNION ALL
        SELECT
            company_id,
            month_day,
            value_day,
--- people
            @people@,
---
        FROM changes
    )
SELECT
    dates.company_id AS company_id,
    dates.date AS date,
--- people
    sum(parts.@people@) AS @people@,
---
    if(active = 0, NULL, intDivOrZero(10000 * covered, active)) AS coverage_bp
FROM parts
INNER JOIN dates ON dates.company_id = parts.company_id AND dates.month_day = parts.month_day
WHERE parts.from_day <= dates.day
GROUP BY company_id, date;
