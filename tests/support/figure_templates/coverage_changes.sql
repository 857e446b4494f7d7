CREATE OR REPLACE VIEW coverage_changes ${on_cluster} AS
WITH
    upper({known_at:String}) AS known_text,
    parseDateTime64BestEffortOrZero(known_text, 3, 'UTC') AS known_until,  -- 1970 where the date does not exist
    -- Subqueries, so that each is asked once: both halves below must see the same buckets as summed.
    (
        SELECT @known_at@
    ) AS refused,
    (SELECT groupArray((partition, bucket, attempt, first_at, last_at)) FROM ledger_totalled FINAL WHERE attempt != '') AS totalled,
    fromUnixTimestamp64Milli(toUnixTimestamp64Milli(known_until) + assumeNotNull(refused), 'UTC') AS known_to
@changes@;
