-- Refused records
--
-- Which records were refused in a period, why, and from which source?
--
-- parameter | kind | default | meaning
-- from | date | - | The first date of recording, in Asia/Jakarta.
-- to | date | - | The last date of recording, in Asia/Jakarta.
--
-- column | unit | meaning
-- reason | - | The reason of the refusal.
-- source | - | The publishing system; null where the record does not say it readably.
-- topic | - | The topic of the records.
-- records | records | How many were refused.
-- first_at | instant | When the first was refused, UTC.
-- last_at | instant | When the last was refused, UTC.
WITH
    toDate32(parseDateTime64({from:String}, '%Y-%m-%d', 'UTC')) AS first_date,
    toDate32(parseDateTime64({to:String}, '%Y-%m-%d', 'UTC')) AS last_date
SELECT
    reason,
    source,
    topic,
    toInt64(count()) AS records,
    min(recorded_at) AS first_at,
    max(recorded_at) AS last_at
FROM dead_letters
WHERE toDate32(toTimeZone(recorded_at, 'Asia/Jakarta')) BETWEEN first_date AND last_date
GROUP BY reason, source, topic
ORDER BY records DESC, reason, source, topic;
