CREATE OR REPLACE VIEW coverage_current ${on_cluster} AS
SELECT
    company_id,
    snapshot.as_of AS as_of,
    company.name AS name,
    company.regency AS regency,
    company.kbli AS kbli,
    snapshot.active AS active,
    snapshot.covered AS covered,
    snapshot.uncovered AS uncovered,
    snapshot.uncovered_new AS uncovered_new,
--- programme
    snapshot.enrolled_@programme@ AS enrolled_@programme@,
---
--- employment_type
    snapshot.active_@employment_type@ AS active_@employment_type@,
    snapshot.covered_@employment_type@ AS covered_@employment_type@,
---
    snapshot.coverage_bp AS coverage_bp,
    snapshot.coverage_due_bp AS coverage_due_bp,
--- window
    snapshot.joined_@window@ AS joined_@window@,
    snapshot.left_@window@ AS left_@window@,
    snapshot.gained_cover_@window@ AS gained_cover_@window@,
    snapshot.lost_cover_@window@ AS lost_cover_@window@,
    snapshot.mean_coverage_bp_@window@ AS mean_coverage_bp_@window@,
    snapshot.min_coverage_bp_@window@ AS min_coverage_bp_@window@,
---
    snapshot.partition AS journal_partition,
    snapshot.offset AS journal_offset,
    snapshot.recorded_at AS recorded_at
FROM snapshots AS snapshot FINAL
LEFT JOIN (SELECT company_id, name, regency, kbli FROM journal_companies FINAL) AS company USING (company_id);
