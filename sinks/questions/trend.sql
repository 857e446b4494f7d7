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
    addDays(first_date, 1 - toDayOfMonth(first_date)) AS first_month,
    arrayFilter(
        each -> each >= first_date AND each < last_date,
        arrayMap(n -> addDays(addMonths(first_month, n + 1), -1), range(toUInt64(dateDiff('month', first_month, last_date)) + 1))
    ) AS month_ends,
    arrayConcat(month_ends, [last_date]) AS dates,
    -- What changed, on the first of the dates that sees it.
    changes AS
    (
        SELECT
            company_id,
            type,
            greatest(dates[1], least(last_date, addDays(addMonths(addDays(value_on, 1 - toDayOfMonth(value_on)), 1), -1))) AS seen_on,
            sum(heads) AS people,
            sum(covered_heads) AS covered_people
        FROM coverage_changes_since(since = {to:String}, known_at = {known_at:String})
        ARRAY JOIN
            if({by:String} = 'employment_type', ['daily', 'fixed_term', 'outsourced', 'permanent', 'unspecified'], ['']) AS type,
            if({by:String} = 'employment_type', [active_daily, active_fixed_term, active_outsourced, active_permanent, active_unspecified], [active]) AS heads,
            if({by:String} = 'employment_type', [covered_daily, covered_fixed_term, covered_outsourced, covered_permanent, covered_unspecified], [covered])
                AS covered_heads
        WHERE value_on <= last_date
        GROUP BY company_id, type, seen_on
    ),
    figures AS
    (
        SELECT company_id, type, on_date, sum(changes.people) AS people, sum(changes.covered_people) AS covered_people
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
