-- For one record there can be two letters: the book's, and the recorder's, when it read the record again after its range
-- had passed. They stand beside each other; the view shows the book's, as the journal counts.
ALTER TABLE dead_letter_records ${on_cluster}
    ADD COLUMN IF NOT EXISTS by_book UInt8, MODIFY ORDER BY (topic, partition, offset, by_book);
