-- Gaps under a policy
--
-- How does each company stand under a policy, how many people are missing, and why is it not evaluable?
--
-- parameter | kind | default | meaning
-- policy | text | - | The id of the policy.
--
-- column | unit | meaning
-- company_id | - | The company.
-- state | - | Its state under the policy: met, pending, breached or not_evaluable.
-- why | - | Of not_evaluable: ended, out_of_scope, before, after, nobody, too_few or no_baseline; else null.
-- since | date | The business date on which the state began; null when never evaluated.
-- gap_people | people | How many more must be covered; null where not evaluable or no number is enough.
-- baseline_covered | people | Covered at the baseline; null for level and where not evaluable.
-- baseline_divisor | people | The divisor at the baseline; null for level and where not evaluable.
-- uncovered | people | Of the whole company, without JKK and JKM: the statutory gap.
-- threshold_bp | basis points | The policy's threshold.
WITH
    -- One row for each company, with the policy, the registry and the business date beside it.
    standing AS
    (
        SELECT
            status.company_id AS company_id,
            status.state AS state,
            status.since AS since,
            status.gap_people AS gap_people,
            status.threshold_bp AS threshold_bp,
            status.as_of AS as_of,
            policy.ended AS ended,
            policy.rule AS rule,
            policy.required AS required,
            policy.clock AS clock,
            policy.employment_types AS employment_types,
            policy.min_active AS min_active,
            policy.effective_from AS effective_from,
            policy.effective_until AS effective_until,
            if(policy.rule = 'level', NULL, policy.baseline_on) AS baseline_on,
            (empty(policy.scope_company_ids) OR has(policy.scope_company_ids, status.company_id))
                AND (empty(policy.scope_regencies) OR has(policy.scope_regencies, ifNull(registry.regency, '')))
                AND (empty(policy.scope_kbli_prefixes)
                    OR arrayExists(prefix -> startsWith(ifNull(registry.kbli, ''), prefix), policy.scope_kbli_prefixes)) AS in_scope,
            arrayFirstIndex(
                (declared_on, programmes) -> declared_on = policy.baseline_on AND arraySort(programmes) = arraySort(policy.required),
                registry.baseline_on, registry.baseline_required
            ) AS place,
            if(length(arrayDistinct(policy.employment_types)) = 5, place, 0) AS declared_place,
            registry.baseline_covered[declared_place] AS declared_covered,
            registry.baseline_active[declared_place]
                - if(policy.clock = 'due', registry.baseline_uncovered_new[declared_place], 0) AS declared_divisor,
            -- Whether figures by employment type tell how many people the policy counts, and whether a baseline is asked.
            arraySort(policy.required) = ['JKK', 'JKM']
                AND (policy.clock = 'raw' OR length(arrayDistinct(policy.employment_types)) = 5) AS is_in_figures,
            status.state != 'not_evaluable' AND policy.rule != 'level' AND declared_place = 0 AS needs_base,
            figures.active AS active,
            figures.uncovered AS uncovered
        FROM policy_status AS status
        INNER JOIN coverage_current AS figures ON figures.company_id = status.company_id
        INNER JOIN policies AS policy ON policy.policy_id = status.policy_id
        LEFT JOIN companies AS registry ON registry.company_id = status.company_id
        WHERE status.policy_id = {policy:String}
    ),
    -- The people of each company, as the policy counts them: on the business date, and on the date of the baseline. From
    -- figures where they suffice, and else from lines.
    people AS
    (
        SELECT
            figures.company_id AS company_id,
            arraySum(arrayFilter((people, type) -> has(standing.employment_types, type), figures.active_of, figures.types))
                - if(standing.clock = 'due', figures.uncovered_new, 0) AS divisor,
            0 AS base_covered,
            0 AS base_divisor
        FROM
        (
            SELECT
                company_id,
                uncovered_new,
                ['daily', 'fixed_term', 'outsourced', 'permanent', 'unspecified'] AS types,
                [active_daily, active_fixed_term, active_outsourced, active_permanent, active_unspecified] AS active_of
            FROM coverage_current
        ) AS figures
        INNER JOIN standing ON standing.company_id = figures.company_id
        WHERE standing.is_in_figures
        UNION ALL
        SELECT
            changes.company_id,
            0,
            sum(arraySum(arrayFilter((people, type) -> has(standing.employment_types, type), changes.covered_of, changes.types))),
            sum(arraySum(arrayFilter((people, type) -> has(standing.employment_types, type), changes.active_of, changes.types))
                - if(standing.clock = 'due', changes.uncovered_new, 0))
        FROM
        (
            SELECT
                company_id,
                value_on,
                uncovered_new,
                ['daily', 'fixed_term', 'outsourced', 'permanent', 'unspecified'] AS types,
                [active_daily, active_fixed_term, active_outsourced, active_permanent, active_unspecified] AS active_of,
                [covered_daily, covered_fixed_term, covered_outsourced, covered_permanent, covered_unspecified] AS covered_of
            FROM coverage_changes(known_at = '2199-12-31T23:59:59.999Z')
            WHERE company_id IN (SELECT company_id FROM standing WHERE is_in_figures AND needs_base)
        ) AS changes
        INNER JOIN standing ON standing.company_id = changes.company_id
        WHERE changes.value_on <= standing.baseline_on
        GROUP BY changes.company_id
        UNION ALL
        SELECT
            company_id,
            sumIf(change, is_now AND counts AND (clock = 'raw' OR is_covered = 1 OR NOT is_new)),
            sumIf(change * is_covered, is_base AND counts),
            sumIf(change, is_base AND counts AND (clock = 'raw' OR is_covered = 1 OR NOT is_new))
        FROM
        (
            SELECT
                ledger.company_id AS company_id,
                standing.clock AS clock,
                side * quantity AS change,
                if(side > 0, programmes_after, programmes_before) AS held,
                has(standing.employment_types, if(side > 0, employment_type_after, employment_type_before)) AS counts,
                toInt64(hasAll(held, standing.required)) AS is_covered,
                if(side > 0, new_after, new_before) AS is_new,
                value_on <= standing.as_of AS is_now,
                ifNull(value_on <= standing.baseline_on, false) AS is_base
            FROM (SELECT * FROM ledger WHERE company_id IN (SELECT company_id FROM standing WHERE NOT is_in_figures)) AS ledger
            ARRAY JOIN [toInt64(-1), 1] AS side
            INNER JOIN standing ON standing.company_id = ledger.company_id
            WHERE if(side > 0, inside_after, inside_before)
        )
        GROUP BY company_id
    ),
    counted AS
    (
        SELECT company_id, sum(people.divisor) AS divisor, sum(people.base_covered) AS base_covered, sum(people.base_divisor) AS base_divisor
        FROM people
        GROUP BY company_id
    )
SELECT
    standing.company_id AS company_id,
    toString(standing.state) AS state,
    multiIf(
        state != 'not_evaluable', NULL,
        standing.ended, 'ended',
        NOT standing.in_scope, 'out_of_scope',
        standing.as_of < standing.effective_from OR (standing.baseline_on IS NOT NULL AND standing.as_of < standing.baseline_on), 'before',
        standing.effective_until IS NOT NULL AND standing.as_of > standing.effective_until, 'after',
        counted.divisor = 0, 'nobody',
        standing.active < standing.min_active, 'too_few',
        'no_baseline'
    ) AS why,
    standing.since AS since,
    standing.gap_people AS gap_people,
    if(
        state = 'not_evaluable' OR standing.rule = 'level', NULL,
        if(standing.declared_place > 0, standing.declared_covered, counted.base_covered)
    ) AS baseline_covered,
    if(
        state = 'not_evaluable' OR standing.rule = 'level', NULL,
        if(standing.declared_place > 0, standing.declared_divisor, counted.base_divisor)
    ) AS baseline_divisor,
    standing.uncovered AS uncovered,
    standing.threshold_bp AS threshold_bp
FROM standing
LEFT JOIN counted ON counted.company_id = standing.company_id
ORDER BY gap_people DESC NULLS LAST, company_id;
