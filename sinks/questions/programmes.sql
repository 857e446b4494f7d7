-- Programmes held
--
-- How many people of each company hold which set of programmes?
--
-- parameter | kind | default | meaning
-- as_of | date | latest | The business date of the figures.
-- known_at | instant | everything | Only what was recorded by then counts.
--
-- column | unit | meaning
-- company_id | - | The company.
-- programmes | - | The set, joined with +; empty for no programme.
-- people | people | Inside on the date, and enrolled in exactly these.
WITH
    toDate32(parseDateTime64({as_of:String}, '%Y-%m-%d', 'UTC')) AS on_date,
    parseDateTime64BestEffort(extract({known_at:String}, '.*T.*(?:Z|[+-][0-9:]{5})$'), 3, 'UTC') AS known_until
SELECT
    company_id,
    arrayStringConcat(arraySort(if(side > 0, programmes_after, programmes_before)), '+') AS programmes,
    sum(side * quantity) AS people
FROM ledger
ARRAY JOIN [toInt64(-1), 1] AS side
WHERE value_on <= on_date AND recorded_at <= known_until AND if(side > 0, inside_after, inside_before)
GROUP BY company_id, programmes
HAVING people > 0
ORDER BY company_id, people DESC, programmes;
