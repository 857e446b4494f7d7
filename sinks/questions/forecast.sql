-- Forecast of closing the gap
--
-- When does each company meet a policy, if it goes on as in the last 90 days?
--
-- parameter | kind | default | meaning
-- policy | text | - | The id of the policy.
--
-- column | unit | meaning
-- company_id | - | The company, if it is evaluable.
-- state | - | Its state under the policy: met, pending or breached.
-- gap_people | people | How many more must be covered; null where no number is enough.
-- pace_90 | people | Gained cover less lost cover in the 90 days up to the business date, of the whole company.
-- days | days | The days until the gap is closed, rounded up; 0 without a gap, null without a pace.
-- on | date | The business date and these days; null with days, and after 2299-12-31.
SELECT
    status.company_id AS company_id,
    status.state AS state,
    status.gap_people AS gap_people,
    figures.gained_cover_90 - figures.lost_cover_90 AS pace_90,
    multiIf(
        status.gap_people = 0, 0,
        pace_90 <= 0, NULL,
        intDivOrZero(90 * status.gap_people + pace_90 - 1, pace_90)
    ) AS days,
    if(days <= toInt64(toDate32('2299-12-31')) - toInt64(figures.as_of), addDays(figures.as_of, days), NULL) AS on
FROM policy_status AS status
INNER JOIN coverage_current AS figures ON figures.company_id = status.company_id
WHERE status.policy_id = {policy:String} AND status.state != 'not_evaluable'
ORDER BY on, company_id;
