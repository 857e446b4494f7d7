-- Moves between companies
--
-- How many people left one company and soon joined another, and were they covered before and after?
--
-- parameter | kind | default | meaning
-- from | date | - | The first date of joining.
-- to | date | - | The last date of joining.
-- within_days | number | 60 | The most days between leaving and joining.
-- as_of | date | latest | The business date on which people are looked at who have not been there for 31 days.
-- known_at | instant | everything | Only what was recorded by then counts.
--
-- column | unit | meaning
-- from_company | - | The company that they left.
-- to_company | - | The company that they joined.
-- people | people | Workers whose token did so, each once; of several moves between the two the last counts.
-- covered_before | people | Those who were covered when they left.
-- covered_after | people | Those who are inside and covered on the 31st day there, or on as_of if that is earlier.
WITH
    toDate32(parseDateTime64({as_of:String}, '%Y-%m-%d', 'UTC')) AS on_date,
    toDate32(parseDateTime64({from:String}, '%Y-%m-%d', 'UTC')) AS first_date,
    toDate32(parseDateTime64({to:String}, '%Y-%m-%d', 'UTC')) AS last_date,
    parseDateTime64BestEffort(extract({known_at:String}, '.*T.*(?:Z|[+-][0-9:]{5})$'), 3, 'UTC') AS known_until,
    -- The timeline of each worker as known: what was posted and not reversed. A line's worker is that of its fact.
    changes AS
    (
        SELECT
            ledger.company_id AS company_id,
            facts.worker_id AS worker_id,
            ledger.value_on AS changed_on,
            toInt64(ledger.inside_after) - toInt64(ledger.inside_before) AS step,
            toString(ledger.employment_type_after) AS employment_type,
            ledger.programmes_after AS programmes,
            ledger.inside_after = 1 AND hasAll(ledger.programmes_after, ['JKK', 'JKM']) AS covered,
            ledger.inside_before = 1 AND hasAll(ledger.programmes_before, ['JKK', 'JKM']) AS was_covered,
            ledger.new_after AS is_new,
            ledger.new_before AS was_new
        FROM ledger
        INNER JOIN
        (
            SELECT partition, offset, worker_id
            FROM journal
        ) AS facts ON facts.partition = ledger.partition AND facts.offset = ledger.offset
        WHERE ledger.recorded_at <= known_until
        GROUP BY ALL
        HAVING sum(ledger.quantity) > 0
    ),
    timelines AS
    (
        SELECT company_id, worker_id, arraySort(groupArray((changed_on, covered))) AS steps
        FROM changes
        GROUP BY company_id, worker_id
    ),
    moves AS
    (
        SELECT
            left_it.company_id AS from_company,
            joined_it.company_id AS to_company,
            joined_it.worker_id AS worker_id,
            argMax((joined_it.changed_on, left_it.was_covered), (joined_it.changed_on, left_it.changed_on)) AS last
        FROM changes AS joined_it
        INNER JOIN changes AS left_it ON left_it.worker_id = joined_it.worker_id
        WHERE joined_it.step = 1 AND left_it.step = -1 AND joined_it.company_id != left_it.company_id
            AND joined_it.changed_on BETWEEN first_date AND last_date
            AND toInt64(joined_it.changed_on) - toInt64(left_it.changed_on) BETWEEN 0 AND {within_days:Int64}
        GROUP BY from_company, to_company, worker_id
    )
SELECT
    moves.from_company AS from_company,
    moves.to_company AS to_company,
    toInt64(count()) AS people,
    toInt64(countIf(moves.last.2)) AS covered_before,
    toInt64(countIf(arrayLast(step -> step.1 <= least(addDays(moves.last.1, 30), on_date), timelines.steps).2)) AS covered_after
FROM moves
INNER JOIN timelines ON timelines.company_id = moves.to_company AND timelines.worker_id = moves.worker_id
GROUP BY from_company, to_company
ORDER BY people DESC, from_company, to_company;
