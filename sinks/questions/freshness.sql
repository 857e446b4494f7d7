-- Freshness of the sources
--
-- Since when has each source been silent, and how late does it report?
--
-- parameter | kind | default | meaning
-- as_of | date | latest | Facts recorded until the end of this date in Asia/Jakarta count.
--
-- column | unit | meaning
-- source | - | The publishing system.
-- facts | facts | Recorded facts, without duplicates and dead letters.
-- last_recorded_at | instant | When the last of them was recorded, UTC.
-- silent_days | days | From that date to as_of.
-- median_late_days | days | From effective_on to the date of recording: at least half of the facts are no later.
-- p95_late_days | days | At least 95 of 100 facts are no later. Facts reported ahead have negative days.
WITH
    toDate32(parseDateTime64({as_of:String}, '%Y-%m-%d', 'UTC')) AS on_date,
    toDate32(toTimeZone(recorded_at, 'Asia/Jakarta')) AS recorded_on,
    arraySort(groupArray(toInt64(recorded_on) - toInt64(toDate32(effective_on)))) AS late_days
SELECT
    source,
    toInt64(count()) AS facts,
    max(recorded_at) AS last_recorded_at,
    toInt64(on_date) - toInt64(max(recorded_on)) AS silent_days,
    late_days[intDiv(facts + 1, 2)] AS median_late_days,
    late_days[intDiv(19 * facts + 19, 20)] AS p95_late_days
FROM counted_facts
WHERE recorded_on <= on_date
GROUP BY source
ORDER BY silent_days DESC, source;
