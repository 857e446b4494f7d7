-- The field for which a record is refused, and what it must be; NULL for letters of before, and where a reason is about none.
ALTER TABLE dead_letter_records ${on_cluster}
    ADD COLUMN IF NOT EXISTS field Nullable(String) AFTER reason,
    ADD COLUMN IF NOT EXISTS rule Nullable(String) AFTER field;

CREATE OR REPLACE VIEW dead_letters ${on_cluster} AS
SELECT reason, topic, partition, offset, recorded_at, source, event_id, key_bytes, value_bytes, field, rule
FROM dead_letter_records FINAL
WHERE reason IN ('id_conflict', 'too_many_facts')
    OR (topic, partition, offset) NOT IN
        (SELECT came_from_topic, came_from_partition, came_from_offset FROM journal_facts FINAL);
