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
    10000 * (covered_to - covered_from) AS cover_parts
SELECT
    company_id,
    sumIf(changes.active, value_on <= first_date) AS active_from,
    sumIf(changes.covered, value_on <= first_date) AS covered_from,
    sumIf(changes.joined, value_on > first_date) AS joined,
    sumIf(changes.left, value_on > first_date) AS left,
    sumIf(changes.gained_cover, value_on > first_date) AS gained_cover,
    sumIf(changes.lost_cover, value_on > first_date) AS lost_cover,
    sum(changes.active) AS active_to,
    sum(changes.covered) AS covered_to,
    if(active_from = 0, NULL, intDivOrZero(10000 * covered_from, active_from)) AS coverage_from_bp,
    if(active_to = 0, NULL, intDivOrZero(10000 * covered_to, active_to)) AS coverage_to_bp,
    coverage_to_bp - coverage_from_bp AS change_bp,
    -- Rounded down, also below nought: intDiv alone cuts towards nought.
    if(change_bp IS NULL, NULL, intDivOrZero(cover_parts - positiveModuloOrNull(cover_parts, active_to), active_to)) AS by_cover_bp,
    change_bp - by_cover_bp AS by_headcount_bp
FROM coverage_changes_since(since = {from:String}, known_at = {known_at:String}) AS changes
WHERE value_on <= last_date
GROUP BY company_id
ORDER BY company_id;
