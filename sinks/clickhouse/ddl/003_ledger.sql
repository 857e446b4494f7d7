-- What the book-keeper did with each fact of the journal; `chain` ties the record to all before it in its partition.
CREATE TABLE IF NOT EXISTS ledger_entries ${on_cluster}
(
    company_id String,
    partition UInt32,
    offset UInt64,
    recorded_at DateTime64(3, 'UTC'),
    event_id String,
    disposition LowCardinality(String),
    line_count UInt32,
    chain String
)
ENGINE = ${replicated}ReplacingMergeTree(offset)
PARTITION BY partition
ORDER BY (company_id, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- The postings. A class that is OUTSIDE has no employment type (the empty string).
CREATE TABLE IF NOT EXISTS ledger_lines ${on_cluster}
(
    company_id String,
    partition UInt32,
    offset UInt64,
    posting UInt32,
    recorded_at DateTime64(3, 'UTC'),
    value_on Date,
    employment_type_before LowCardinality(String),
    programmes_before Array(LowCardinality(String)),
    new_before Bool,
    employment_type_after LowCardinality(String),
    programmes_after Array(LowCardinality(String)),
    new_after Bool,
    quantity Int8
)
ENGINE = ${replicated}ReplacingMergeTree(offset)
PARTITION BY partition
ORDER BY (company_id, partition, offset, posting)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
