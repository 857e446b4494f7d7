CREATE OR REPLACE VIEW coverage_changes ${on_cluster} AS
WITH
    upper({known_at:String}) AS known_text,
    parseDateTime64BestEffortOrZero(known_text, 3, 'UTC') AS known_until,  -- 1970 where the date does not exist
    -- Subqueries, so that each is asked once: all parts below must see the same buckets as added up.
    (
        SELECT @known_at@
    ) AS refused,
    @added_up@,
    fromUnixTimestamp64Milli(toUnixTimestamp64Milli(known_until) + assumeNotNull(refused), 'UTC') AS known_to
@changes@;
