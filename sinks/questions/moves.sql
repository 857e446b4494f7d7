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
-- turn | turn | 0 | Only workers whose token's hash leaves this remainder when divided by turns: the rows of all turns add up.
-- turns | turn | 1 | How many turns there are; with 1, all workers are asked about.
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
    -- Changes of other days do not matter, unless people are looked at before they joined.
    if(on_date < last_date, toInt64(toDate32('1900-01-01')), toInt64(first_date) - {within_days:Int64}) AS since,
    toInt64(last_date) + 30 AS until,
    -- Workers with facts in several companies. Whoever has them in one alone did not move.
    several AS
    (
        SELECT worker_id
        FROM fact_workers
        WHERE cityHash64(worker_id) % {turns:UInt64} = {turn:UInt64}
        GROUP BY worker_id
        HAVING min(company_id) != max(company_id)
    ),
    -- Their changes as known: what was posted and not reversed. A line's worker is that of its fact.
    their_changes AS
    (
        SELECT
            ledger.company_id AS company_id,
            facts.worker_id AS worker_id,
            ledger.value_on AS changed_on,
            toInt64(ledger.inside_after) - toInt64(ledger.inside_before) AS step,
            ledger.inside_after = 1 AND hasAll(ledger.programmes_after, ['JKK', 'JKM']) AS covered,
            ledger.inside_before = 1 AND hasAll(ledger.programmes_before, ['JKK', 'JKM']) AS was_covered
        FROM ledger
        INNER JOIN
        (
            SELECT partition, offset, worker_id
            FROM fact_workers
            WHERE cityHash64(worker_id) % {turns:UInt64} = {turn:UInt64} AND worker_id IN (SELECT worker_id FROM several)
        ) AS facts ON facts.partition = ledger.partition AND facts.offset = ledger.offset
        WHERE ledger.recorded_at <= known_until AND toInt64(ledger.value_on) BETWEEN since AND until
        GROUP BY ALL
        HAVING sum(ledger.quantity) > 0
    ),
    timelines AS
    (
        SELECT
            worker_id,
            arraySort(groupArray((changed_on, covered, company_id, step, was_covered))) AS steps,
            arrayFilter(step -> step.4 = 1 AND step.1 BETWEEN first_date AND last_date, steps) AS joined,
            arrayFilter(step -> step.4 = -1, steps) AS left_ones
        FROM their_changes
        GROUP BY worker_id
    ),
    moves AS
    (
        SELECT
            left_one.3 AS from_company,
            joined_one.3 AS to_company,
            worker_id,
            argMax((joined_one.1, left_one.5), (joined_one.1, left_one.1)) AS last,
            any(steps) AS steps
        FROM timelines
        ARRAY JOIN joined AS joined_one
        ARRAY JOIN left_ones AS left_one
        WHERE joined_one.3 != left_one.3
            AND toInt64(joined_one.1) - toInt64(left_one.1) BETWEEN 0 AND {within_days:Int64}
        GROUP BY from_company, to_company, worker_id
    ),
    of_workers AS
    (
        SELECT
            from_company,
            to_company,
            count() AS people,
            countIf(last.2) AS covered_before,
            countIf(arrayLast(step -> step.3 = to_company AND step.1 <= least(addDays(last.1, 30), on_date), steps).2) AS covered_after
        FROM moves
        GROUP BY from_company, to_company
    )
SELECT
    from_company,
    to_company,
    toInt64(sum(of_workers.people)) AS people,
    toInt64(sum(of_workers.covered_before)) AS covered_before,
    toInt64(sum(of_workers.covered_after)) AS covered_after
FROM of_workers
GROUP BY from_company, to_company
ORDER BY people DESC, from_company, to_company;
