-- Accounts in the app
--
-- How many of each company's people have an active account in the app (JMO)?
--
-- parameter | kind | default | meaning
-- as_of | date | latest | The business date of the figures.
-- known_at | instant | everything | Only what was recorded by then counts.
--
-- column | unit | meaning
-- company_id | - | The company.
-- active | people | Inside on the date.
-- jmo | people | Active, with an account.
-- jmo_bp | basis points | Those of active; null for nobody.
SELECT
    company_id,
    active,
    enrolled_jmo AS jmo,
    if(active = 0, NULL, intDivOrZero(10000 * enrolled_jmo, active)) AS jmo_bp
FROM coverage_as_of(as_of = {as_of:String}, known_at = {known_at:String})
ORDER BY company_id;
