-- How far the sink has come: one row per topic and partition. A range of offsets is written down before and after it is
-- inserted; the later statement has the higher version (2 x next + 0 before, + 1 after).
CREATE TABLE IF NOT EXISTS sink_progress ${on_cluster}
(
    topic LowCardinality(String),
    partition UInt32,
    first UInt64,
    next UInt64,
    stage LowCardinality(String),
    sha256 String,
    version UInt64,
    written_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replicated}ReplacingMergeTree(version)
ORDER BY (topic, partition)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
