-- Restated figures
--
-- Which companies had other figures for a date when they were asked about at an earlier moment?
--
-- parameter | kind | default | meaning
-- as_of | date | latest | The business date of the figures.
-- known_at | instant | everything | The earlier moment.
--
-- column | unit | meaning
-- company_id | - | The company; it is shown if active or covered differ.
-- active_then | people | Inside on the date, as known at the moment; 0 for a company that was not known.
-- covered_then | people | Of them enrolled in JKK and JKM.
-- active_now | people | Inside on the date, as known now.
-- covered_now | people | Of them enrolled in JKK and JKM.
WITH toDate32(parseDateTime64({as_of:String}, '%Y-%m-%d', 'UTC')) AS on_date
SELECT
    company_id,
    sum(if(is_now, 0, changes.active)) AS active_then,
    sum(if(is_now, 0, changes.covered)) AS covered_then,
    sum(if(is_now, changes.active, 0)) AS active_now,
    sum(if(is_now, changes.covered, 0)) AS covered_now
FROM
(
    SELECT company_id, active, covered, false AS is_now
    FROM coverage_changes_since(since = {as_of:String}, known_at = {known_at:String})
    WHERE value_on <= on_date
    UNION ALL
    SELECT company_id, active, covered, true
    FROM coverage_changes_since(since = {as_of:String}, known_at = '2199-12-31T23:59:59.999Z')
    WHERE value_on <= on_date
) AS changes
GROUP BY company_id
HAVING (active_then, covered_then) != (active_now, covered_now)
ORDER BY company_id;
