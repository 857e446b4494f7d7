-- Dates as Date32, which holds all that the service admits and derives (Date ends on 2149-06-06). A column's rows are
-- written anew in the background; until then they are read as what they will be. No date is part of a sorting key.
ALTER TABLE journal_facts ${on_cluster} MODIFY COLUMN effective_on Date32;

ALTER TABLE ledger_lines ${on_cluster} MODIFY COLUMN value_on Date32;

ALTER TABLE snapshots ${on_cluster}
    MODIFY COLUMN as_of Date32,
    MODIFY COLUMN policy_since Array(Nullable(Date32));

ALTER TABLE alert_records ${on_cluster}
    MODIFY COLUMN business_date Date32,
    MODIFY COLUMN episode_start Date32;

-- A view keeps the types that its columns had when it was made: the views of these tables are made again.
CREATE OR REPLACE VIEW alerts ${on_cluster} AS
SELECT * FROM alert_records FINAL;

-- Facts that the book-keeper has dispositioned: what the recorder appended twice has no ledger record, and does not show.
CREATE OR REPLACE VIEW journal ${on_cluster} AS
SELECT
    facts.partition AS partition,
    facts.offset AS offset,
    facts.recorded_at AS recorded_at,
    facts.type AS type,
    facts.event_id AS event_id,
    company_id,
    facts.worker_id AS worker_id,
    facts.effective_on AS effective_on,
    facts.occurred_at AS occurred_at,
    facts.source AS source,
    entries.disposition AS disposition,
    facts.employment_type AS employment_type,
    facts.reason AS reason,
    facts.action AS action,
    facts.programmes AS programmes,
    facts.corrects AS corrects,
    facts.came_from_topic AS came_from_topic,
    facts.came_from_partition AS came_from_partition,
    facts.came_from_offset AS came_from_offset
FROM journal_facts AS facts FINAL
INNER JOIN (SELECT company_id, partition, offset, disposition FROM ledger_entries FINAL) AS entries
    USING (company_id, partition, offset);

CREATE OR REPLACE VIEW ledger ${on_cluster} AS
SELECT
    company_id,
    value_on,
    employment_type_before,
    programmes_before,
    new_before,
    employment_type_after,
    programmes_after,
    new_after,
    employment_type_before != '' AS inside_before,
    employment_type_after != '' AS inside_after,
    quantity,
    partition,
    offset,
    posting,
    recorded_at
FROM ledger_lines FINAL;

-- The figures of each company on its business date, as the book has them.
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
    snapshot.enrolled_jht AS enrolled_jht,
    snapshot.enrolled_jkk AS enrolled_jkk,
    snapshot.enrolled_jkm AS enrolled_jkm,
    snapshot.enrolled_jkp AS enrolled_jkp,
    snapshot.enrolled_jmo AS enrolled_jmo,
    snapshot.enrolled_jp AS enrolled_jp,
    snapshot.active_daily AS active_daily,
    snapshot.covered_daily AS covered_daily,
    snapshot.active_fixed_term AS active_fixed_term,
    snapshot.covered_fixed_term AS covered_fixed_term,
    snapshot.active_outsourced AS active_outsourced,
    snapshot.covered_outsourced AS covered_outsourced,
    snapshot.active_permanent AS active_permanent,
    snapshot.covered_permanent AS covered_permanent,
    snapshot.active_unspecified AS active_unspecified,
    snapshot.covered_unspecified AS covered_unspecified,
    snapshot.coverage_bp AS coverage_bp,
    snapshot.coverage_due_bp AS coverage_due_bp,
    snapshot.joined_7 AS joined_7,
    snapshot.left_7 AS left_7,
    snapshot.gained_cover_7 AS gained_cover_7,
    snapshot.lost_cover_7 AS lost_cover_7,
    snapshot.mean_coverage_bp_7 AS mean_coverage_bp_7,
    snapshot.min_coverage_bp_7 AS min_coverage_bp_7,
    snapshot.joined_30 AS joined_30,
    snapshot.left_30 AS left_30,
    snapshot.gained_cover_30 AS gained_cover_30,
    snapshot.lost_cover_30 AS lost_cover_30,
    snapshot.mean_coverage_bp_30 AS mean_coverage_bp_30,
    snapshot.min_coverage_bp_30 AS min_coverage_bp_30,
    snapshot.joined_90 AS joined_90,
    snapshot.left_90 AS left_90,
    snapshot.gained_cover_90 AS gained_cover_90,
    snapshot.lost_cover_90 AS lost_cover_90,
    snapshot.mean_coverage_bp_90 AS mean_coverage_bp_90,
    snapshot.min_coverage_bp_90 AS min_coverage_bp_90,
    snapshot.partition AS journal_partition,
    snapshot.offset AS journal_offset,
    snapshot.recorded_at AS recorded_at
FROM snapshots AS snapshot FINAL
LEFT JOIN (SELECT company_id, name, regency, kbli FROM journal_companies FINAL) AS company USING (company_id);

CREATE OR REPLACE VIEW policy_status ${on_cluster} AS
SELECT company_id, policy_id, state, since, gap_people, threshold_bp AS threshold, threshold_bp, version, as_of
FROM (SELECT * FROM snapshots FINAL)
ARRAY JOIN
    policy_ids AS policy_id,
    policy_states AS state,
    policy_since AS since,
    policy_gap_people AS gap_people,
    policy_thresholds_bp AS threshold_bp,
    policy_versions AS version;

-- One row per company and day, from its first value date to its business date, from the ledger alone: the changes of
-- each value date, added up, hold until the next one. Days are counted as numbers, which do not end where dates do.
-- The first day lies at most a year before the company's first recording: who was hired decades ago does not make rows
-- for decades, in which those who left before the book began are missing anyway.
CREATE OR REPLACE VIEW coverage_daily ${on_cluster} AS
WITH
    changes AS
    (
        SELECT
            company_id,
            toInt64(value_on) AS value_day,
            min(recorded_at) AS recorded_first,
            sum(quantity * (toInt64(employment_type_after != '') - toInt64(employment_type_before != ''))) AS active,
            sum(quantity * (toInt64(hasAll(programmes_after, ['JKK', 'JKM']) AND employment_type_after != '')
                - toInt64(hasAll(programmes_before, ['JKK', 'JKM']) AND employment_type_before != ''))) AS covered,
            sum(quantity * (toInt64(new_after AND NOT hasAll(programmes_after, ['JKK', 'JKM']))
                - toInt64(new_before AND NOT hasAll(programmes_before, ['JKK', 'JKM'])))) AS uncovered_new,
            sum(quantity * (toInt64(has(programmes_after, 'JHT')) - toInt64(has(programmes_before, 'JHT')))) AS jht,
            sum(quantity * (toInt64(has(programmes_after, 'JKK')) - toInt64(has(programmes_before, 'JKK')))) AS jkk,
            sum(quantity * (toInt64(has(programmes_after, 'JKM')) - toInt64(has(programmes_before, 'JKM')))) AS jkm,
            sum(quantity * (toInt64(has(programmes_after, 'JKP')) - toInt64(has(programmes_before, 'JKP')))) AS jkp,
            sum(quantity * (toInt64(has(programmes_after, 'JMO')) - toInt64(has(programmes_before, 'JMO')))) AS jmo,
            sum(quantity * (toInt64(has(programmes_after, 'JP')) - toInt64(has(programmes_before, 'JP')))) AS jp
        FROM ledger_lines FINAL
        GROUP BY company_id, value_day
    ),
    steps AS
    (
        SELECT
            company_id,
            value_day,
            snapshot.end_day AS end_day,
            leadInFrame(value_day, 1, end_day) OVER whole AS next_day,
            toInt64(toDate32(min(recorded_first) OVER whole, 'Asia/Jakarta')) - 366 AS begin_day,
            sum(changes.active) OVER until_now AS active,
            sum(changes.covered) OVER until_now AS covered,
            sum(changes.uncovered_new) OVER until_now AS uncovered_new,
            sum(changes.jht) OVER until_now AS enrolled_jht,
            sum(changes.jkk) OVER until_now AS enrolled_jkk,
            sum(changes.jkm) OVER until_now AS enrolled_jkm,
            sum(changes.jkp) OVER until_now AS enrolled_jkp,
            sum(changes.jmo) OVER until_now AS enrolled_jmo,
            sum(changes.jp) OVER until_now AS enrolled_jp
        FROM changes
        INNER JOIN (SELECT company_id, toInt64(as_of) + 1 AS end_day FROM snapshots FINAL) AS snapshot USING (company_id)
        WINDOW
            whole AS (PARTITION BY company_id ORDER BY value_day ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING),
            until_now AS (PARTITION BY company_id ORDER BY value_day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
SELECT
    company_id,
    toDate32(arrayJoin(range(greatest(value_day, begin_day), least(next_day, end_day)))) AS date,
    active,
    covered,
    uncovered_new,
    enrolled_jht,
    enrolled_jkk,
    enrolled_jkm,
    enrolled_jkp,
    enrolled_jmo,
    enrolled_jp,
    if(active = 0, NULL, intDivOrZero(10000 * covered, active)) AS coverage_bp
FROM steps;
