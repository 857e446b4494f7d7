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
    arrayStringConcat(arrayFilter((name, place) -> bitTest(held, place), ['JHT', 'JKK', 'JKM', 'JKP', 'JMO', 'JP'], range(6)), '+') AS programmes,
    sum(change) AS people
FROM
(
    SELECT
        company_id,
        bitAnd(bitShiftRight(class, 3), 63) AS held,
        side * changed AS change
    FROM
    (
        -- Lines of the same change first: they are many, their kinds are few.
        SELECT company_id, class_before, class_after, sum(quantity) AS changed
        FROM ledger_changes
        WHERE value_on <= on_date AND recorded_at <= known_until
        GROUP BY company_id, class_before, class_after
    )
    ARRAY JOIN [class_before, class_after] AS class, [toInt64(-1), 1] AS side
    WHERE class != 0
)
GROUP BY company_id, programmes
HAVING people > 0
ORDER BY company_id, people DESC, programmes;
