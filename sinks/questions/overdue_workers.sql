-- Overdue enrollments by worker
--
-- Who is inside, not covered and no longer new, and for how long?
--
-- parameter | kind | default | meaning
-- as_of | date | latest | The business date of the figures.
-- known_at | instant | everything | Only what was recorded by then counts.
-- company | text | any | Only of this company.
--
-- column | unit | meaning
-- company_id | - | The company.
-- worker_id | - | The publisher's token of the worker.
-- employment_type | - | The type of employment on the date.
-- spell_start | date | Since when the worker is inside.
-- days | days | Since the first day on which the worker was no longer new.
-- missing | - | JKK, JKM or JKK+JKM.
WITH
    toDate32(parseDateTime64({as_of:String}, '%Y-%m-%d', 'UTC')) AS on_date,
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
            FROM fact_workers
            WHERE {company:String} = '' OR company_id IN splitByChar(' ', {company:String})
        ) AS facts ON facts.partition = ledger.partition AND facts.offset = ledger.offset
        WHERE ledger.recorded_at <= known_until AND ({company:String} = '' OR ledger.company_id IN splitByChar(' ', {company:String}))
        GROUP BY ALL
        HAVING sum(ledger.quantity) > 0
    ),
    workers AS
    (
        SELECT
            company_id,
            worker_id,
            argMaxIf(employment_type, changed_on, changed_on <= on_date) AS employment_type_now,
            argMaxIf(programmes, changed_on, changed_on <= on_date) AS programmes_now,
            argMaxIf(covered, changed_on, changed_on <= on_date) AS covered_now,
            argMaxIf(is_new, changed_on, changed_on <= on_date) AS new_now,
            maxIf(changed_on, changed_on <= on_date AND step = 1) AS spell_start,
            -- The first day that is not new: still ahead of who is new, else the one with which the last new days ended.
            if(
                new_now,
                minIf(changed_on, changed_on > on_date AND NOT is_new),
                maxIf(changed_on, changed_on <= on_date AND NOT is_new AND (was_new OR step = 1))
            ) AS due_on
        FROM changes
        GROUP BY company_id, worker_id
        HAVING employment_type_now != '' AND NOT covered_now
    ),
    of_companies AS
    (
        SELECT
            company_id,
            worker_id,
            employment_type_now AS employment_type,
            spell_start,
            toInt64(on_date) - toInt64(due_on) AS days,
            arrayStringConcat(arrayFilter(each -> NOT has(programmes_now, each), ['JKK', 'JKM']), '+') AS missing
        FROM workers
        WHERE NOT new_now
    )
SELECT company_id, worker_id, employment_type, spell_start, days, missing
FROM of_companies
ORDER BY days DESC, company_id, worker_id;
