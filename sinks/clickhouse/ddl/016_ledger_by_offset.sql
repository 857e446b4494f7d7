-- Lines lie in buckets of 262,144 journal offsets. A bucket whose offsets are behind the sink never changes again, so that
-- ClickHouse merges it into one part, which FINAL reads like a table without repeats, and the sink adds it up once.
-- A class as a number: the place of the employment type (0 is OUTSIDE) in three bits, a bit for each programme, one for new.
CREATE TABLE IF NOT EXISTS ledger_lines_by_offset ${on_cluster}
(
    company_id LowCardinality(String),
    partition UInt32,
    offset UInt64 CODEC(Delta, LZ4),
    posting UInt32,
    recorded_at DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    value_on Date32,
    employment_type_before LowCardinality(String),
    programmes_before Array(LowCardinality(String)),
    new_before Bool,
    employment_type_after LowCardinality(String),
    programmes_after Array(LowCardinality(String)),
    new_after Bool,
    quantity Int8,
    class_before UInt16 MATERIALIZED indexOf(['daily', 'fixed_term', 'outsourced', 'permanent', 'unspecified'], employment_type_before)
        + 8 * has(programmes_before, 'JHT') + 16 * has(programmes_before, 'JKK') + 32 * has(programmes_before, 'JKM')
        + 64 * has(programmes_before, 'JKP') + 128 * has(programmes_before, 'JMO') + 256 * has(programmes_before, 'JP') + 512 * new_before,
    class_after UInt16 MATERIALIZED indexOf(['daily', 'fixed_term', 'outsourced', 'permanent', 'unspecified'], employment_type_after)
        + 8 * has(programmes_after, 'JHT') + 16 * has(programmes_after, 'JKK') + 32 * has(programmes_after, 'JKM')
        + 64 * has(programmes_after, 'JKP') + 128 * has(programmes_after, 'JMO') + 256 * has(programmes_after, 'JP') + 512 * new_after
)
ENGINE = ${replicated}ReplacingMergeTree(offset)
PARTITION BY (partition, bitShiftRight(offset, 18))
ORDER BY (company_id, partition, offset, posting)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800,
    min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

MOVE ROWS OF ledger_lines THROUGH ledger_lines_by_offset ${on_cluster};

-- The changes of a full bucket, added up for each company and value date. Written by an attempt as one block, never added
-- to; a row counts if `ledger_totalled` names its attempt.
CREATE TABLE IF NOT EXISTS ledger_totals ${on_cluster}
(
    company_id LowCardinality(String),
    value_on Date32,
    attempt LowCardinality(String),
    active Int32,
    covered Int32,
    uncovered_new Int32,
    enrolled_jht Int32,
    enrolled_jkk Int32,
    enrolled_jkm Int32,
    enrolled_jkp Int32,
    enrolled_jmo Int32,
    enrolled_jp Int32,
    active_daily Int32,
    covered_daily Int32,
    active_fixed_term Int32,
    covered_fixed_term Int32,
    active_outsourced Int32,
    covered_outsourced Int32,
    active_permanent Int32,
    covered_permanent Int32,
    active_unspecified Int32,
    covered_unspecified Int32,
    joined Int32,
    left Int32,
    gained_cover Int32,
    lost_cover Int32
)
ENGINE = ${replicated}ReplacingMergeTree
ORDER BY (company_id, value_on, attempt)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- The buckets that are added up, by which attempt (none: no longer), and when their first and last lines were recorded.
CREATE TABLE IF NOT EXISTS ledger_totalled ${on_cluster}
(
    partition UInt32,
    bucket UInt64,
    attempt String,
    first_at DateTime64(3, 'UTC'),
    last_at DateTime64(3, 'UTC'),
    line_count UInt64,
    version UInt64
)
ENGINE = ${replicated}ReplacingMergeTree(version)
ORDER BY (partition, bucket)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
