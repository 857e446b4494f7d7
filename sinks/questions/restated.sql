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
WITH
    toDate32(parseDateTime64({as_of:String}, '%Y-%m-%d', 'UTC')) AS on_date,
    parseDateTime64BestEffort(extract({known_at:String}, '.*T.*(?:Z|[+-][0-9:]{5})$'), 3, 'UTC') AS known_until,
    quantity * (toInt64(inside_after) - toInt64(inside_before)) AS heads,
    quantity * (toInt64(inside_after AND hasAll(programmes_after, ['JKK', 'JKM']))
        - toInt64(inside_before AND hasAll(programmes_before, ['JKK', 'JKM']))) AS covered_heads
SELECT
    company_id,
    sumIf(heads, recorded_at <= known_until) AS active_then,
    sumIf(covered_heads, recorded_at <= known_until) AS covered_then,
    sum(heads) AS active_now,
    sum(covered_heads) AS covered_now
FROM ledger
WHERE value_on <= on_date
GROUP BY company_id
HAVING (active_then, covered_then) != (active_now, covered_now)
ORDER BY company_id;
