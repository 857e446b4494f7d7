-- Policies that disagree
--
-- Which companies meet one policy and not another?
--
-- parameter | kind | default | meaning
--
-- column | unit | meaning
-- company_id | - | The company.
-- met | - | Policies that it meets, sorted.
-- not_met | - | Policies under which it is pending or breached, sorted.
SELECT
    company_id,
    arraySort(groupArrayIf(policy_id, state = 'met')) AS met,
    arraySort(groupArrayIf(policy_id, state IN ('pending', 'breached'))) AS not_met
FROM policy_status
GROUP BY company_id
HAVING notEmpty(met) AND notEmpty(not_met)
ORDER BY company_id;
