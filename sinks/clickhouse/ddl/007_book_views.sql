-- Facts that the book-keeper has dispositioned: what the recorder appended twice has no ledger record, and does not show.
CREATE OR REPLACE VIEW journal ${on_cluster} AS
SELECT
    facts.partition AS partition,
    facts.offset AS offset,
    facts.recorded_at AS recorded_at,
    facts.type AS type,
    facts.event_id AS event_id,
    company_id,
    facts.worker_id AS worker_id,
    facts.effective_on AS effective_on,
    facts.occurred_at AS occurred_at,
    facts.source AS source,
    entries.disposition AS disposition,
    facts.employment_type AS employment_type,
    facts.reason AS reason,
    facts.action AS action,
    facts.programmes AS programmes,
    facts.corrects AS corrects,
    facts.came_from_topic AS came_from_topic,
    facts.came_from_partition AS came_from_partition,
    facts.came_from_offset AS came_from_offset
FROM journal_facts AS facts FINAL
INNER JOIN (SELECT company_id, partition, offset, disposition FROM ledger_entries FINAL) AS entries
    USING (company_id, partition, offset);

CREATE OR REPLACE VIEW ledger ${on_cluster} AS
SELECT
    company_id,
    value_on,
    employment_type_before,
    programmes_before,
    new_before,
    employment_type_after,
    programmes_after,
    new_after,
    employment_type_before != '' AS inside_before,
    employment_type_after != '' AS inside_after,
    quantity,
    partition,
    offset,
    posting,
    recorded_at
FROM ledger_lines FINAL;

CREATE OR REPLACE VIEW companies ${on_cluster} AS
SELECT
    company_id,
    name,
    kbli,
    regency,
    baseline_on,
    baseline_active,
    baseline_covered,
    baseline_uncovered_new,
    baseline_required,
    recorded_at
FROM journal_companies FINAL;

-- The last version of each policy, ended or not. The order of versions is that of the topic of policies, where a policy
-- has one partition. (The tuples keep argMax from passing over a version whose dates are null.)
CREATE OR REPLACE VIEW policies ${on_cluster} AS
SELECT
    policy_id,
    last.1 AS version,
    last.2 AS title,
    last.3 AS rule,
    last.4 AS threshold_bp,
    last.5 AS required,
    last.6 AS clock,
    last.7 AS employment_types,
    last.8 AS scope_company_ids,
    last.9 AS scope_regencies,
    last.10 AS scope_kbli_prefixes,
    last.11 AS min_active,
    last.12 AS hysteresis_bp,
    last.13 AS hold_days,
    last.14 AS effective_from,
    last.15 AS effective_until,
    last.16 AS baseline_on,
    is_ended AS ended,
    last_recorded_at AS recorded_at
FROM
(
    SELECT
        policy_id,
        argMaxIf(
            tuple(
                version, title, rule, threshold_bp, required, clock, employment_types,
                scope_company_ids, scope_regencies, scope_kbli_prefixes, min_active, hysteresis_bp, hold_days,
                effective_from, effective_until, baseline_on
            ),
            came_from_offset,
            NOT ended
        ) AS last,
        argMax(ended, came_from_offset) AS is_ended,
        argMax(recorded_at, (came_from_offset, -toInt64(partition))) AS last_recorded_at
    FROM journal_policies FINAL
    GROUP BY policy_id
);
