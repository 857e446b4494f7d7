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
    -- The policy. What it says are constants to all that follows.
    (
        SELECT any((ended, toString(rule), required, toString(clock), employment_types, min_active, effective_from, effective_until, baseline_on,
            scope_company_ids, scope_regencies, scope_kbli_prefixes))
        FROM policies
        WHERE policy_id = {policy:String}
    ) AS policy,
    policy.1 AS is_ended,
    policy.2 AS policy_rule,
    policy.3 AS asked,
    policy.4 AS policy_clock,
    policy.5 AS counted_types,
    policy.6 AS least_active,
    policy.7 AS begins_on,
    policy.8 AS ends_on,
    if(policy_rule = 'level', NULL, policy.9) AS counted_on,
    policy.10 AS scope_companies,
    policy.11 AS in_regencies,
    policy.12 AS in_kbli,
    ['daily', 'fixed_term', 'outsourced', 'permanent', 'unspecified'] AS types,
    length(arrayDistinct(counted_types)) = length(types) AS counts_all_types,
    -- Whether figures by employment type tell how many people the policy counts. If not, lines do, by their classes.
    arraySort(asked) = ['JKK', 'JKM'] AND (policy_clock = 'raw' OR counts_all_types) AS is_in_figures,
    arrayMap(type -> indexOf(types, type), arrayDistinct(counted_types)) AS counted_numbers,
    arraySum(arrayMap(name -> bitShiftLeft(8, indexOf(['JHT', 'JKK', 'JKM', 'JKP', 'JMO', 'JP'], name) - 1), asked)) AS required_mask,
    -- Nobody was counted before 1970 or will be after 2210.
    toString(ifNull(least(greatest(counted_on, toDate32('1970-01-01')), toDate32('2210-12-31')), toDate32('1970-01-01'))) AS baseline_text,
    -- The people of each company on the date of the baseline.
    base AS
    (
        SELECT
            company_id,
            sum(changes.uncovered_new) AS uncovered_new,
            [sum(active_daily), sum(active_fixed_term), sum(active_outsourced), sum(active_permanent), sum(active_unspecified)] AS active_of,
            [sum(covered_daily), sum(covered_fixed_term), sum(covered_outsourced), sum(covered_permanent), sum(covered_unspecified)] AS covered_of
        FROM coverage_changes_since(since = baseline_text, known_at = '2199-12-31T23:59:59.999Z') AS changes
        WHERE is_in_figures AND counted_on IS NOT NULL AND value_on <= toDate32(baseline_text)
        GROUP BY company_id
    ),
    -- The same of a policy that asks what figures do not tell, and those of the business date.
    classes AS
    (
        SELECT
            company_id,
            sumIf(until_now, counts AND (policy_clock = 'raw' OR is_covered OR NOT is_new)) AS divisor,
            sumIf(until_base, counts AND is_covered) AS base_covered,
            sumIf(until_base, counts AND (policy_clock = 'raw' OR is_covered OR NOT is_new)) AS base_divisor
        FROM
        (
            SELECT
                company_id,
                side * changed_until_now AS until_now,
                side * changed_until_base AS until_base,
                has(counted_numbers, bitAnd(class, 7)) AS counts,
                bitAnd(class, required_mask) = required_mask AS is_covered,
                bitAnd(class, 512) != 0 AS is_new
            FROM
            (
                -- Lines of the same change first: they are many, their kinds are few.
                SELECT
                    changes.company_id AS company_id,
                    class_before,
                    class_after,
                    sumIf(quantity, value_on <= ends.as_of) AS changed_until_now,
                    sumIf(quantity, ifNull(value_on <= counted_on, false)) AS changed_until_base
                FROM ledger_changes AS changes
                INNER JOIN (SELECT company_id, as_of FROM coverage_current) AS ends ON ends.company_id = changes.company_id
                WHERE NOT is_in_figures
                GROUP BY company_id, class_before, class_after
            )
            ARRAY JOIN [class_before, class_after] AS class, [toInt64(-1), 1] AS side
            WHERE class != 0
        )
        GROUP BY company_id
    ),
    standing AS
    (
        SELECT
            status.company_id AS company_id,
            toString(status.state) AS state,
            status.since AS since,
            status.gap_people AS gap_people,
            status.threshold_bp AS threshold_bp,
            status.as_of AS as_of,
            figures.active AS active,
            figures.uncovered AS uncovered,
            (empty(scope_companies) OR has(scope_companies, status.company_id))
                AND (empty(in_regencies) OR has(in_regencies, ifNull(registry.regency, '')))
                AND (empty(in_kbli)
                    OR arrayExists(prefix -> startsWith(ifNull(registry.kbli, ''), prefix), in_kbli)) AS in_scope,
            -- A baseline that the company declared goes before what was counted.
            if(
                counts_all_types,
                arrayFirstIndex(
                    (declared_on, programmes) -> ifNull(declared_on = counted_on, false) AND arraySort(programmes) = arraySort(asked),
                    registry.baseline_on, registry.baseline_required
                ),
                0
            ) AS place,
            [figures.active_daily, figures.active_fixed_term, figures.active_outsourced, figures.active_permanent, figures.active_unspecified] AS active_of,
            if(
                is_in_figures,
                arraySum(arrayMap(number -> active_of[number], counted_numbers)) - if(policy_clock = 'due', figures.uncovered_new, 0),
                classes.divisor
            ) AS divisor,
            multiIf(
                place > 0, registry.baseline_covered[greatest(place, 1)],
                is_in_figures, arraySum(arrayMap(number -> base.covered_of[number], counted_numbers)),
                classes.base_covered
            ) AS base_covered,
            multiIf(
                place > 0, registry.baseline_active[greatest(place, 1)] - if(policy_clock = 'due', registry.baseline_uncovered_new[greatest(place, 1)], 0),
                is_in_figures,
                arraySum(arrayMap(number -> base.active_of[number], counted_numbers)) - if(policy_clock = 'due', base.uncovered_new, 0),
                classes.base_divisor
            ) AS base_divisor
        FROM policy_status AS status
        INNER JOIN coverage_current AS figures ON figures.company_id = status.company_id
        LEFT JOIN companies AS registry ON registry.company_id = status.company_id
        LEFT JOIN base ON base.company_id = status.company_id
        LEFT JOIN classes ON classes.company_id = status.company_id
        WHERE status.policy_id = {policy:String}
    )
SELECT
    company_id,
    state,
    multiIf(
        state != 'not_evaluable', NULL,
        is_ended, 'ended',
        NOT in_scope, 'out_of_scope',
        as_of < begins_on OR (counted_on IS NOT NULL AND as_of < counted_on), 'before',
        ends_on IS NOT NULL AND as_of > ends_on, 'after',
        divisor = 0, 'nobody',
        active < least_active, 'too_few',
        'no_baseline'
    ) AS why,
    since,
    gap_people,
    if(state = 'not_evaluable' OR policy_rule = 'level', NULL, base_covered) AS baseline_covered,
    if(state = 'not_evaluable' OR policy_rule = 'level', NULL, base_divisor) AS baseline_divisor,
    uncovered,
    threshold_bp
FROM standing
ORDER BY gap_people DESC NULLS LAST, company_id;
