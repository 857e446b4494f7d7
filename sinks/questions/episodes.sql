-- Episodes of alerts
--
-- Which alerts fired in a period, and when did they end?
--
-- parameter | kind | default | meaning
-- from | date | - | The first date of firing.
-- to | date | - | The last date of firing.
--
-- column | unit | meaning
-- alert_id | - | Company, policy and number of the episode.
-- company_id | - | The company.
-- policy_id | - | The policy.
-- fired_on | date | The business date of the firing.
-- fired_reason | - | Why it fired: crossed or became_evaluable.
-- resolved_on | date | The business date of the end; null while it fires.
-- resolved_reason | - | Why it ended: recovered or not_evaluable; null while it fires.
-- days | days | From fired_on to resolved_on; null while it fires.
WITH
    toDate32(parseDateTime64({from:String}, '%Y-%m-%d', 'UTC')) AS first_date,
    toDate32(parseDateTime64({to:String}, '%Y-%m-%d', 'UTC')) AS last_date
SELECT
    fired.alert_id AS alert_id,
    fired.company_id AS company_id,
    fired.policy_id AS policy_id,
    fired.business_date AS fired_on,
    fired.reason AS fired_reason,
    ended.end_date AS resolved_on,
    ended.end_reason AS resolved_reason,
    toInt64(ended.end_date) - toInt64(fired.business_date) AS days
FROM alerts AS fired
LEFT JOIN
(
    SELECT alert_id, toNullable(business_date) AS end_date, toNullable(toString(reason)) AS end_reason
    FROM alerts
    WHERE status = 'resolved'
) AS ended ON ended.alert_id = fired.alert_id
WHERE fired.status = 'firing' AND fired.business_date BETWEEN first_date AND last_date
ORDER BY fired_on, alert_id;
