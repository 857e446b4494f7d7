CREATE OR REPLACE VIEW coverage_changes_since ${on_cluster} AS
WITH
    toDate32OrZero({since:String}) AS asked_on,
    upper({known_at:String}) AS known_text,
    parseDateTime64BestEffortOrZero(known_text, 3, 'UTC') AS known_until,  -- 1970 where the date does not exist
    -- Subqueries, so that each is asked once: all parts below must see the same buckets as added up.
    (
        SELECT
            throwIf(
                NOT match({since:String}, '\\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\\z')
                    OR toString(asked_on) != {since:String}
                    OR {since:String} NOT BETWEEN '1900-01-01' AND '2299-12-31',
                'since must be a date that exists, written YYYY-MM-DD, from 1900-01-01 to 2299-12-31'
            )
            + @known_at@
    ) AS refused,
    @added_up@,
    fromUnixTimestamp64Milli(toUnixTimestamp64Milli(known_until) + assumeNotNull(refused), 'UTC') AS known_to,
    toDate32(greatest(0, toInt64(asked_on) - toDayOfMonth(asked_on) + 1)) AS days_from
@changes_since@;
