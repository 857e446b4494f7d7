-- Movement between two dates
--
-- How did each company's active and covered people change between two dates, and how much of it did cover do?
--
-- parameter | kind | default | meaning
-- from | date | - | The date before the first change: changes after it count.
-- to | date | - | The date of the last change.
-- known_at | instant | everything | Only what was recorded by then counts.
--
-- column | unit | meaning
-- company_id | - | The company.
-- active_from | people | Inside at the end of from.
-- covered_from | people | Of them enrolled in JKK and JKM.
-- joined | changes | Came inside after from, up to to.
-- left | changes | Went outside in that time.
-- gained_cover | changes | Became covered, also by joining.
-- lost_cover | changes | Lost their cover, also by leaving.
-- active_to | people | Inside at the end of to.
-- covered_to | people | Of them enrolled in JKK and JKM.
-- coverage_from_bp | basis points | Covered of active at the end of from; null for nobody.
-- coverage_to_bp | basis points | Covered of active at the end of to; null for nobody.
-- change_bp | basis points | coverage_to_bp less coverage_from_bp; null where one is.
-- by_cover_bp | basis points | The change of covered, of active_to, rounded down; null with change_bp.
-- by_headcount_bp | basis points | What is left of change_bp; null with change_bp.
WITH
    toDate32(parseDateTime64({from:String}, '%Y-%m-%d', 'UTC')) AS first_date,
    toDate32(parseDateTime64({to:String}, '%Y-%m-%d', 'UTC')) AS last_date,
    parseDateTime64BestEffort(extract({known_at:String}, '.*T.*(?:Z|[+-][0-9:]{5})$'), 3, 'UTC') AS known_until,
    toInt64(inside_before AND hasAll(programmes_before, ['JKK', 'JKM'])) AS was_covered,
    toInt64(inside_after AND hasAll(programmes_after, ['JKK', 'JKM'])) AS is_covered,
    quantity * (toInt64(inside_after) - toInt64(inside_before)) AS heads,
    quantity * (is_covered - was_covered) AS covered_heads,
    10000 * (covered_to - covered_from) AS cover_parts
SELECT
    company_id,
    sumIf(heads, value_on <= first_date) AS active_from,
    sumIf(covered_heads, value_on <= first_date) AS covered_from,
    sumIf(quantity, value_on > first_date AND inside_after > inside_before) AS joined,
    sumIf(quantity, value_on > first_date AND inside_after < inside_before) AS left,
    sumIf(quantity, value_on > first_date AND is_covered > was_covered) AS gained_cover,
    sumIf(quantity, value_on > first_date AND is_covered < was_covered) AS lost_cover,
    sum(heads) AS active_to,
    sum(covered_heads) AS covered_to,
    if(active_from = 0, NULL, intDivOrZero(10000 * covered_from, active_from)) AS coverage_from_bp,
    if(active_to = 0, NULL, intDivOrZero(10000 * covered_to, active_to)) AS coverage_to_bp,
    coverage_to_bp - coverage_from_bp AS change_bp,
    -- Rounded down, also below nought: intDiv alone cuts towards nought.
    if(change_bp IS NULL, NULL, intDivOrZero(cover_parts - positiveModuloOrNull(cover_parts, active_to), active_to)) AS by_cover_bp,
    change_bp - by_cover_bp AS by_headcount_bp
FROM ledger
WHERE value_on <= last_date AND recorded_at <= known_until
GROUP BY company_id
ORDER BY company_id;
