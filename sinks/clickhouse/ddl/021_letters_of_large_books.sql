-- A record for which the recorder wrote a letter may be in the journal all the same: the view leaves such letters out. It
-- looked up every fact of the journal for that, with a set of them all in memory. Letters are few: only facts that came
-- from where a letter did are looked up. A row that was inserted twice is found twice, and changes nothing.
CREATE OR REPLACE VIEW dead_letters ${on_cluster} AS
SELECT reason, topic, partition, offset, recorded_at, source, event_id, key_bytes, value_bytes, field, rule
FROM dead_letter_records FINAL
WHERE reason IN ('id_conflict', 'too_many_facts')
    OR (topic, partition, offset) NOT IN
    (
        SELECT came_from_topic, came_from_partition, came_from_offset
        FROM journal_facts
        WHERE (came_from_topic, came_from_partition, came_from_offset) IN
            (SELECT topic, partition, offset FROM dead_letter_records)
    );
