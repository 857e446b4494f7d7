-- Facts of all partitions of the journal lie together. An insert makes a part for each partition of its table, a part has a
-- dozen files, and making files is what a quiet service costs most. `layout` tells this table from the one before.
CREATE TABLE IF NOT EXISTS journal_facts_together ${on_cluster}
(
    company_id String,
    partition UInt32,
    offset UInt64,
    recorded_at DateTime64(3, 'UTC'),
    type LowCardinality(String),
    event_id String,
    worker_id String,
    effective_on Date32,
    occurred_at DateTime64(3, 'UTC'),
    source LowCardinality(String),
    employment_type LowCardinality(String),
    reason LowCardinality(String),
    action LowCardinality(String),
    programmes Array(LowCardinality(String)),
    corrects String,
    came_from_topic LowCardinality(String),
    came_from_partition UInt32,
    came_from_offset UInt64,
    layout UInt8 MATERIALIZED 2
)
ENGINE = ${replicated}ReplacingMergeTree(offset)
ORDER BY (partition, company_id, offset)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

MOVE ROWS OF journal_facts THROUGH journal_facts_together ${on_cluster};

CREATE TABLE IF NOT EXISTS ledger_entries_together ${on_cluster}
(
    company_id String,
    partition UInt32,
    offset UInt64,
    recorded_at DateTime64(3, 'UTC'),
    event_id String,
    disposition LowCardinality(String),
    line_count UInt32,
    chain String,
    layout UInt8 MATERIALIZED 2
)
ENGINE = ${replicated}ReplacingMergeTree(offset)
ORDER BY (partition, company_id, offset)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

MOVE ROWS OF ledger_entries THROUGH ledger_entries_together ${on_cluster};
