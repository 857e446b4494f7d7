-- Facts of the journal: one row per entry, known by its journal coordinates. Fields that a type does not have are empty.
CREATE TABLE IF NOT EXISTS journal_facts ${on_cluster}
(
    company_id String,
    partition UInt32,
    offset UInt64,
    recorded_at DateTime64(3, 'UTC'),
    type LowCardinality(String),
    event_id String,
    worker_id String,
    effective_on Date,
    occurred_at DateTime64(3, 'UTC'),
    source LowCardinality(String),
    employment_type LowCardinality(String),
    reason LowCardinality(String),
    action LowCardinality(String),
    programmes Array(LowCardinality(String)),
    corrects String,
    came_from_topic LowCardinality(String),
    came_from_partition UInt32,
    came_from_offset UInt64
)
ENGINE = ${replicated}ReplacingMergeTree(offset)
PARTITION BY partition
ORDER BY (company_id, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- Registry entries: the latest of each company. Its version is the offset in the topic of companies, where a company has
-- one partition: an entry that the recorder repeats, or a late predecessor adds, never replaces a newer one.
CREATE TABLE IF NOT EXISTS journal_companies ${on_cluster}
(
    company_id String,
    came_from_offset UInt64,
    partition UInt32,
    offset UInt64,
    recorded_at DateTime64(3, 'UTC'),
    name Nullable(String),
    kbli Nullable(String),
    regency Nullable(String),
    baseline_on Array(Date32),
    baseline_active Array(Int64),
    baseline_covered Array(Int64),
    baseline_uncovered_new Array(Int64),
    baseline_required Array(Array(LowCardinality(String)))
)
ENGINE = ${replicated}ReplacingMergeTree(came_from_offset)
ORDER BY company_id
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- Policies, their versions and their ends, as each partition of the journal has them. Dates are Date32: a policy may
-- have been in force long before, and be meant for ever.
CREATE TABLE IF NOT EXISTS journal_policies ${on_cluster}
(
    policy_id String,
    came_from_offset UInt64,
    partition UInt32,
    offset UInt64,
    recorded_at DateTime64(3, 'UTC'),
    ended Bool,
    version Int64,
    title String,
    rule LowCardinality(String),
    threshold_bp Int64,
    required Array(LowCardinality(String)),
    clock LowCardinality(String),
    employment_types Array(LowCardinality(String)),
    scope_company_ids Array(String),
    scope_regencies Array(String),
    scope_kbli_prefixes Array(String),
    min_active Int64,
    hysteresis_bp Int64,
    hold_days Int64,
    effective_from Date32,
    effective_until Nullable(Date32),
    baseline_on Nullable(Date32)
)
ENGINE = ${replicated}ReplacingMergeTree(offset)
ORDER BY (policy_id, came_from_offset, partition)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
