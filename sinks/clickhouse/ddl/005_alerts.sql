-- Alerts, one for each alert_id and status, in the words of the contract.
CREATE TABLE IF NOT EXISTS alert_records ${on_cluster}
(
    alert_id String,
    status LowCardinality(String),
    reason LowCardinality(String),
    company_id String,
    policy_id String,
    policy_version Int64,
    rule LowCardinality(String),
    threshold_bp Int64,
    business_date Date,
    episode Int64,
    episode_start Date,
    previous_state LowCardinality(String),
    active Int64,
    covered Int64,
    divisor Int64,
    coverage_bp Nullable(Int64),
    gap_people Nullable(Int64),
    baseline_covered Nullable(Int64),
    baseline_divisor Nullable(Int64),
    uncovered Int64,
    joined_30 Int64,
    left_30 Int64,
    gained_cover_30 Int64,
    lost_cover_30 Int64,
    cause LowCardinality(String),
    event_id Nullable(String),
    journal_partition UInt32,
    journal_offset UInt64,
    recorded_at DateTime64(3, 'UTC')
)
ENGINE = ${replicated}ReplacingMergeTree(journal_offset)
ORDER BY (alert_id, status)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE OR REPLACE VIEW alerts ${on_cluster} AS
SELECT * FROM alert_records FINAL;
