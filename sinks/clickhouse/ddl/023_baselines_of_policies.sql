-- What the book knew when it evaluated a policy: the people at its baseline, and why a company is not evaluable. Snapshots of
-- the releases before do not say it. Their rows have NULL for each policy, until the company's next snapshot.
ALTER TABLE snapshots ${on_cluster}
    ADD COLUMN IF NOT EXISTS policy_baseline_covered Array(Nullable(Int64)) DEFAULT arrayMap(id -> CAST(NULL, 'Nullable(Int64)'), policy_ids),
    ADD COLUMN IF NOT EXISTS policy_baseline_divisor Array(Nullable(Int64)) DEFAULT arrayMap(id -> CAST(NULL, 'Nullable(Int64)'), policy_ids),
    ADD COLUMN IF NOT EXISTS policy_why Array(LowCardinality(Nullable(String))) DEFAULT arrayMap(id -> CAST(NULL, 'LowCardinality(Nullable(String))'), policy_ids);

CREATE OR REPLACE VIEW policy_status ${on_cluster} AS
SELECT
    company_id, policy_id, state, since, gap_people, threshold_bp AS threshold, threshold_bp, version, as_of,
    baseline_covered, baseline_divisor, why
FROM (SELECT * FROM snapshots FINAL)
ARRAY JOIN
    policy_ids AS policy_id,
    policy_states AS state,
    policy_since AS since,
    policy_gap_people AS gap_people,
    policy_thresholds_bp AS threshold_bp,
    policy_versions AS version,
    policy_baseline_covered AS baseline_covered,
    policy_baseline_divisor AS baseline_divisor,
    policy_why AS why;
