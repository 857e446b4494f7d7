-- Contributions for closing the gap
--
-- What would each employer pay to enroll everybody who is not covered in JKK and JKM?
--
-- parameter | kind | default | meaning
-- month | month | of as_of | The month of the contributions: rates, reliefs and minimum wages are those of it.
-- as_of | date | latest | The business date of the figures.
-- wage | rupiah | of the regency | The monthly wage of each worker; by default the minimum wage of the company's
-- | regency in that year, else the newest before.
-- rates | rates | of the installation | Rates, reliefs, risk groups and minimum wages: a file for the command, its content
-- | as JSON for the SQL.
--
-- column | unit | meaning
-- company_id | - | The company.
-- uncovered | people | Active and not enrolled in JKK and JKM: the statutory gap.
-- wage | rupiah | The wage that is reckoned with, a month; null where none is known.
-- jkk_ppm | ppm | The employer's rate for JKK, what a relief leaves of it; null where none is known.
-- jkm_ppm | ppm | The employer's rate for JKM, likewise.
-- relief_id | - | The relief that applies (joined with + where two do); null for none.
-- per_worker | rupiah | What the employer pays for one worker a month, JKK and JKM; null where wage or rate is.
-- per_month | rupiah | For everybody who is not covered, a month; null with per_worker.
-- per_year | rupiah | Twelve times per_month.
WITH
    {month:String} AS on_month,
    toUInt16(substring(on_month, 1, 4)) AS on_year,
    toInt64OrNull({wage:String}) AS wage_asked,
    JSONExtract({rates:String}, 'Tuple(
        rates Array(Tuple(
            programme String, risk_group Nullable(String), from_month String, employer_ppm Int64, wage_cap Nullable(Int64))),
        reliefs Array(Tuple(
            relief_id String, programme String, from_month String, until_month String, factor_ppm Int64,
            kbli_prefixes Array(String), min_covered Int64)),
        risk_groups Array(Tuple(kbli_prefix String, risk_group String)),
        wages Array(Tuple(regency String, year UInt16, rupiah Int64)))') AS data,
    -- What holds for each company, as lists: the last of a list is the one that counts, and an empty list is a null.
    matched AS
    (
        SELECT
            figures.company_id AS company_id,
            figures.uncovered AS uncovered,
            ifNull(registry.kbli, '') AS kbli,
            arraySort(each -> each.year, arrayFilter(each -> each.regency = registry.regency AND each.year <= on_year, data.wages)) AS wages,
            arraySort(each -> length(each.kbli_prefix), arrayFilter(each -> startsWith(kbli, each.kbli_prefix), data.risk_groups)) AS groups,
            arraySort(each -> each.from_month, arrayFilter(each -> each.from_month <= on_month, data.rates)) AS rates,
            arrayFilter(each -> each.programme = 'JKK' AND each.risk_group = groups[-1].risk_group, rates) AS jkk_rates,
            arrayFilter(each -> each.programme = 'JKM', rates) AS jkm_rates,
            arrayFilter(
                each -> on_month BETWEEN each.from_month AND each.until_month
                    AND figures.covered >= each.min_covered
                    AND arrayExists(prefix -> startsWith(kbli, prefix), each.kbli_prefixes),
                data.reliefs
            ) AS reliefs,
            arrayFilter(each -> each.programme = 'JKK', reliefs) AS jkk_reliefs,
            arrayFilter(each -> each.programme = 'JKM', reliefs) AS jkm_reliefs
        FROM coverage_as_of(as_of = {as_of:String}, known_at = '2199-12-31T23:59:59.999Z') AS figures
        LEFT JOIN companies AS registry ON registry.company_id = figures.company_id
    )
SELECT
    company_id,
    uncovered,
    multiIf(wage_asked IS NOT NULL, wage_asked, notEmpty(wages), wages[-1].rupiah, NULL) AS wage,
    if(
        empty(jkk_rates), NULL,
        intDiv(jkk_rates[-1].employer_ppm * if(empty(jkk_reliefs), 1000000, jkk_reliefs[1].factor_ppm), 1000000)
    ) AS jkk_ppm,
    if(
        empty(jkm_rates), NULL,
        intDiv(jkm_rates[-1].employer_ppm * if(empty(jkm_reliefs), 1000000, jkm_reliefs[1].factor_ppm), 1000000)
    ) AS jkm_ppm,
    nullIf(
        arrayStringConcat(arraySort(arrayDistinct(arrayMap(each -> each.relief_id, arrayConcat(jkk_reliefs, jkm_reliefs)))), '+'), ''
    ) AS relief_id,
    -- Each programme is rounded by itself, half up, to a rupiah. (`least` would pass over a null wage.)
    intDiv(if(wage > jkk_rates[-1].wage_cap, jkk_rates[-1].wage_cap, wage) * jkk_ppm + 500000, 1000000)
        + intDiv(if(wage > jkm_rates[-1].wage_cap, jkm_rates[-1].wage_cap, wage) * jkm_ppm + 500000, 1000000) AS per_worker,
    uncovered * per_worker AS per_month,
    12 * per_month AS per_year
FROM matched
ORDER BY company_id;
