-- Coverage by type of employment
--
-- How many people of each company and type of employment are inside, and how many of them are covered?
--
-- parameter | kind | default | meaning
-- as_of | date | latest | The business date of the figures.
-- known_at | instant | everything | Only what was recorded by then counts.
--
-- column | unit | meaning
-- company_id | - | The company.
-- employment_type | - | The type; one with nobody inside has no row.
-- active | people | Inside on the date.
-- covered | people | Active and enrolled in JKK and JKM.
-- coverage_bp | basis points | Covered of active.
SELECT
    company_id,
    employment_type,
    heads AS active,
    covered_heads AS covered,
    intDivOrZero(10000 * covered_heads, heads) AS coverage_bp
FROM coverage_as_of(as_of = {as_of:String}, known_at = {known_at:String}) AS figures
ARRAY JOIN
    ['daily', 'fixed_term', 'outsourced', 'permanent', 'unspecified'] AS employment_type,
    [active_daily, active_fixed_term, active_outsourced, active_permanent, active_unspecified] AS heads,
    [covered_daily, covered_fixed_term, covered_outsourced, covered_permanent, covered_unspecified] AS covered_heads
WHERE heads > 0
ORDER BY company_id, employment_type;
