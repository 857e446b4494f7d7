-- Trend by month
--
-- How did coverage develop, month by month, for all companies together or by a group?
--
-- parameter | kind | default | meaning
-- by | one of none, regency, kbli, size, employment_type | none | What the figures are split by.
-- from | date | - | The first date that may have a row.
-- to | date | - | The date of the last rows.
-- known_at | instant | everything | Only what was recorded by then counts.
--
-- column | unit | meaning
-- date | date | The last day of a month; the last rows have to.
-- key | - | The group: regency and KBLI as registered now, null where the registry does not say or by is none.
-- companies | companies | Those with somebody active in the group.
-- active | people | Inside on the date.
-- covered | people | Of them enrolled in JKK and JKM.
-- coverage_bp | basis points | Covered of active; null for nobody.
WITH
    toDate32(parseDateTime64({from:String}, '%Y-%m-%d', 'UTC')) AS first_date,
    toDate32(parseDateTime64({to:String}, '%Y-%m-%d', 'UTC')) AS last_date,
    parseDateTime64BestEffort(extract({known_at:String}, '.*T.*(?:Z|[+-][0-9:]{5})$'), 3, 'UTC') AS known_until,
    addDays(first_date, 1 - toDayOfMonth(first_date)) AS first_month,
    arrayFilter(
        each -> each >= first_date AND each < last_date,
        arrayMap(n -> addDays(addMonths(first_month, n + 1), -1), range(toUInt64(dateDiff('month', first_month, last_date)) + 1))
    ) AS month_ends,
    arrayConcat(month_ends, [last_date]) AS dates,
    -- What each line took from a group and gave to one, on the first of the dates that sees it.
    changes AS
    (
        SELECT
            company_id,
            if({by:String} = 'employment_type', toString(if(side > 0, employment_type_after, employment_type_before)), '') AS type,
            arrayFirst(each -> each >= value_on, dates) AS seen_on,
            sum(side * quantity) AS heads,
            sum(side * quantity * toInt64(hasAll(if(side > 0, programmes_after, programmes_before), ['JKK', 'JKM']))) AS covered_heads
        FROM ledger
        ARRAY JOIN [toInt64(-1), 1] AS side
        WHERE value_on <= last_date AND recorded_at <= known_until AND if(side > 0, inside_after, inside_before)
        GROUP BY company_id, type, seen_on
    ),
    figures AS
    (
        SELECT company_id, type, on_date, sum(heads) AS people, sum(covered_heads) AS covered_people
        FROM changes
        ARRAY JOIN dates AS on_date
        WHERE seen_on <= on_date
        GROUP BY company_id, type, on_date
        UNION ALL
        -- Without groups every date has a row, also before the first company.
        SELECT '', '', arrayJoin(dates), 0, 0
        WHERE {by:String} = 'none'
    )
SELECT
    figures.on_date AS date,
    multiIf(
        {by:String} = 'regency', registry.regency,
        {by:String} = 'kbli', registry.kbli,
        {by:String} = 'employment_type', figures.type,
        {by:String} = 'size', multiIf(people < 20, '1-19', people < 100, '20-99', people < 1000, '100-999', '1000+'),
        NULL
    ) AS key,
    toInt64(countIf(people > 0)) AS companies,
    sum(people) AS active,
    sum(covered_people) AS covered,
    if(active = 0, NULL, intDivOrZero(10000 * covered, active)) AS coverage_bp
FROM figures
LEFT JOIN companies AS registry ON registry.company_id = figures.company_id
WHERE {by:String} NOT IN ('size', 'employment_type') OR people > 0
GROUP BY date, key
ORDER BY date, key;
