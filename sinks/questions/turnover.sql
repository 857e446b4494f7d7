-- Turnover
--
-- How many people joined and left each company between two dates, and how large a part of its people is that?
--
-- parameter | kind | default | meaning
-- from | date | - | The date before the first change: changes after it count.
-- to | date | - | The date of the last change.
-- known_at | instant | everything | Only what was recorded by then counts.
-- company | text | any | Only of this company.
--
-- column | unit | meaning
-- company_id | - | The company.
-- joined | changes | Came inside after from, up to to.
-- left | changes | Went outside in that time.
-- rehired | changes | Of joined, those of people who had been inside before.
-- mean_active | people | Active people of the days after from, up to to, on average, rounded down; null without a day.
-- turnover_bp | basis points | left of mean_active, rounded down; null where that is 0 or null.
WITH
    toDate32(parseDateTime64({from:String}, '%Y-%m-%d', 'UTC')) AS first_date,
    toDate32(parseDateTime64({to:String}, '%Y-%m-%d', 'UTC')) AS last_date,
    parseDateTime64BestEffort(extract({known_at:String}, '.*T.*(?:Z|[+-][0-9:]{5})$'), 3, 'UTC') AS known_until,
    toInt64(last_date) - toInt64(first_date) AS days,
    -- A change counts on each of the days from its date to the last one.
    sum(times * step * least(days, toInt64(last_date) - toInt64(on_date) + 1)) AS active_days,
    -- The timeline of each worker as known: what was posted and not reversed. A line's worker is that of its fact.
    moves AS
    (
        SELECT
            ledger.company_id AS company_id,
            facts.worker_id AS worker_id,
            ledger.value_on AS on_date,
            toInt64(ledger.inside_after) - toInt64(ledger.inside_before) AS step,
            sum(toInt64(ledger.quantity)) AS times
        FROM ledger
        INNER JOIN
        (
            SELECT partition, offset, worker_id
            FROM fact_workers
            WHERE {company:String} = '' OR company_id IN splitByChar(' ', {company:String})
        ) AS facts ON facts.partition = ledger.partition AND facts.offset = ledger.offset
        WHERE ledger.value_on <= last_date AND ledger.recorded_at <= known_until AND ({company:String} = '' OR ledger.company_id IN splitByChar(' ', {company:String}))
        GROUP BY company_id, worker_id, on_date, step
    ),
    numbered AS
    (
        SELECT
            *,
            sum(times * toInt64(step = 1)) OVER (PARTITION BY company_id, worker_id ORDER BY on_date) AS joins_until_now
        FROM moves
    ),
    of_companies AS
    (
        SELECT
            company_id,
            sumIf(times, step = 1 AND on_date > first_date) AS joined,
            sumIf(times, step = -1 AND on_date > first_date) AS left,
            sumIf(times, step = 1 AND on_date > first_date AND joins_until_now > 1) AS rehired,
            if(days = 0, NULL, intDivOrZero(active_days, days)) AS mean_active,
            if(mean_active = 0, NULL, intDivOrZero(10000 * left, mean_active)) AS turnover_bp
        FROM numbered
        GROUP BY company_id
    )
SELECT company_id, joined, left, rehired, mean_active, turnover_bp
FROM of_companies
ORDER BY company_id;
