-- Time to cover
--
-- How long did it take until people who came inside in a period were covered?
--
-- parameter | kind | default | meaning
-- from | date | - | The first date on which a spell may start.
-- to | date | - | The last date on which a spell may start.
-- as_of | date | latest | Only changes up to this business date count.
-- known_at | instant | everything | Only what was recorded by then counts.
-- company | text | any | Only of this company.
--
-- column | unit | meaning
-- employment_type | - | The type at the start of the spell.
-- spells | spells | Started in the period. Who leaves and returns on one day has one spell.
-- covered | spells | Those that had a covered day.
-- within_grace | spells | Those whose first covered day was one on which the worker was new.
-- still_uncovered | spells | Those whose worker is inside and not covered on as_of.
-- median_days | days | From the start to the first covered day: at least half of covered took no longer; null for none.
-- p90_days | days | At least nine tenths of covered took no longer; null for none.
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
            FROM fact_workers
            WHERE {company:String} = '' OR company_id IN splitByChar(' ', {company:String})
        ) AS facts ON facts.partition = ledger.partition AND facts.offset = ledger.offset
        WHERE ledger.value_on <= on_date AND ledger.recorded_at <= known_until AND ({company:String} = '' OR ledger.company_id IN splitByChar(' ', {company:String}))
        GROUP BY ALL
        HAVING sum(ledger.quantity) > 0
    ),
    numbered AS
    (
        SELECT *, countIf(step = 1) OVER (PARTITION BY company_id, worker_id ORDER BY changed_on) AS spell
        FROM changes
    ),
    spells AS
    (
        SELECT
            min(changed_on) AS started_on,
            argMin(employment_type, changed_on) AS type_at_start,
            max(covered) AS had_cover,
            minIf(changed_on, covered) AS covered_on,
            argMinIf(is_new, changed_on, covered) AS covered_as_new,
            argMax(employment_type, changed_on) != '' AND NOT argMax(covered, changed_on) AS is_uncovered
        FROM numbered
        GROUP BY company_id, worker_id, spell
        HAVING started_on BETWEEN first_date AND last_date
    ),
    -- How many spells took how many days, null for those without cover.
    of_companies AS
    (
        SELECT
            type_at_start AS employment_type,
            if(had_cover, toInt64(covered_on) - toInt64(started_on), NULL) AS days,
            toInt64(count()) AS spells,
            toInt64(countIf(had_cover AND covered_as_new)) AS within_grace,
            toInt64(countIf(is_uncovered)) AS still_uncovered
        FROM spells
        GROUP BY employment_type, days
    )
SELECT
    employment_type,
    spells,
    covered,
    within_grace,
    still_uncovered,
    if(covered = 0, NULL, took[arrayFirstIndex(until_now -> until_now >= intDiv(covered + 1, 2), reached)].1) AS median_days,
    if(covered = 0, NULL, took[arrayFirstIndex(until_now -> until_now >= intDiv(9 * covered + 9, 10), reached)].1) AS p90_days
FROM
(
    SELECT
        employment_type,
        sum(each.spells) AS spells,
        sumIf(each.spells, days IS NOT NULL) AS covered,
        sum(each.within_grace) AS within_grace,
        sum(each.still_uncovered) AS still_uncovered,
        arraySort(groupArrayIf((assumeNotNull(days), each.spells), days IS NOT NULL)) AS took,
        arrayCumSum(took.2) AS reached
    FROM of_companies AS each
    GROUP BY employment_type
)
ORDER BY employment_type;
