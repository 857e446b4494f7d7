-- Coverage of every company
--
-- How many people of each company are inside, and how many of them are covered?
--
-- parameter | kind | default | meaning
-- as_of | date | latest | The business date of the figures.
-- known_at | instant | everything | Only what was recorded by then counts.
--
-- column | unit | meaning
-- company_id | - | The company.
-- name | - | From the registry as it is now; null where it does not say.
-- regency | - | From the registry as it is now; null where it does not say.
-- active | people | Inside on the date.
-- covered | people | Active and enrolled in JKK and JKM.
-- uncovered | people | Active and not covered: the statutory gap.
-- uncovered_new | people | Not covered and in the grace period.
-- coverage_bp | basis points | Covered of active; null for nobody.
-- coverage_due_bp | basis points | Covered of active without uncovered_new; null for nobody.
SELECT
    figures.company_id AS company_id,
    registry.name AS name,
    registry.regency AS regency,
    figures.active AS active,
    figures.covered AS covered,
    figures.uncovered AS uncovered,
    figures.uncovered_new AS uncovered_new,
    figures.coverage_bp AS coverage_bp,
    figures.coverage_due_bp AS coverage_due_bp
FROM coverage_as_of(as_of = {as_of:String}, known_at = {known_at:String}) AS figures
LEFT JOIN companies AS registry ON registry.company_id = figures.company_id
ORDER BY company_id;
