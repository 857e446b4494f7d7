-- Refused records, one for each source coordinate. What was in them does not come here: lengths only.
CREATE TABLE IF NOT EXISTS dead_letter_records ${on_cluster}
(
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    recorded_at DateTime64(3, 'UTC'),
    reason LowCardinality(String),
    source Nullable(String),
    event_id Nullable(String),
    key_bytes UInt32,
    value_bytes UInt32,
    letter_partition UInt32,
    letter_offset UInt64
)
ENGINE = ${replicated}ReplacingMergeTree(letter_offset)
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- A record that was recorded, and refused by the recorder when it was read once more, is not refused.
CREATE OR REPLACE VIEW dead_letters ${on_cluster} AS
SELECT reason, topic, partition, offset, recorded_at, source, event_id, key_bytes, value_bytes
FROM dead_letter_records FINAL
WHERE reason IN ('id_conflict', 'too_many_facts')
    OR (topic, partition, offset) NOT IN
        (SELECT came_from_topic, came_from_partition, came_from_offset FROM journal_facts FINAL);
