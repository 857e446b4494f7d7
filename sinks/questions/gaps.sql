-- Gaps under a policy
--
-- How does each company stand under a policy, how many people are missing, and why is it not evaluable?
--
-- parameter | kind | default | meaning
-- policy | text | - | The id of the policy.
--
-- column | unit | meaning
-- company_id | - | The company.
-- state | - | Its state under the policy: met, pending, breached or not_evaluable.
-- why | - | Of not_evaluable: ended, out_of_scope, before, after, nobody, too_few or no_baseline; else null. Null, like the
-- | baseline, after an upgrade from a release without it until the next snapshot.
-- since | date | The business date on which the state began; null when never evaluated.
-- gap_people | people | How many more must be covered; null where not evaluable or no number is enough.
-- baseline_covered | people | Covered at the baseline; null for level and where not evaluable.
-- baseline_divisor | people | The divisor at the baseline; null for level and where not evaluable.
-- uncovered | people | Of the whole company, without JKK and JKM: the statutory gap.
-- threshold_bp | basis points | The policy's threshold.
SELECT
    status.company_id AS company_id,
    toString(status.state) AS state,
    status.why AS why,
    status.since AS since,
    status.gap_people AS gap_people,
    status.baseline_covered AS baseline_covered,
    status.baseline_divisor AS baseline_divisor,
    figures.uncovered AS uncovered,
    status.threshold_bp AS threshold_bp
FROM policy_status AS status
INNER JOIN coverage_current AS figures ON figures.company_id = status.company_id
WHERE status.policy_id = {policy:String}
ORDER BY gap_people DESC NULLS LAST, company_id;
