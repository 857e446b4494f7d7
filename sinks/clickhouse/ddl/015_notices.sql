-- What was told to whom, and what became of it: the last record of each notice, which has the highest offset. The topic
-- is compacted, so earlier ones may be missing, and a tombstone deletes a notice. What a notice says is not here.
CREATE TABLE IF NOT EXISTS notice_records ${on_cluster}
(
    notice_id String,
    offset UInt64,
    deleted Bool,
    subscription_id LowCardinality(String),
    kind LowCardinality(String),
    status Nullable(String),
    alert_id Nullable(String),
    company_id Nullable(String),
    policy_id Nullable(String),
    state LowCardinality(String),
    attempts UInt32,
    last_answer String,
    gone Bool,
    digest_id Nullable(String),
    seq UInt64,
    created_at DateTime64(3, 'UTC'),
    first_at Nullable(DateTime64(3, 'UTC')),
    next_at Nullable(DateTime64(3, 'UTC')),
    last_at Nullable(DateTime64(3, 'UTC'))
)
ENGINE = ${replicated}ReplacingMergeTree(offset)
ORDER BY notice_id
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE OR REPLACE VIEW notices ${on_cluster} AS
SELECT
    notice_id,
    subscription_id,
    kind,
    status,
    alert_id,
    company_id,
    policy_id,
    state,
    attempts,
    last_answer,
    gone,
    digest_id,
    seq,
    created_at,
    first_at,
    next_at,
    last_at,
    if(state IN ('delivered', 'given_up', 'superseded'), last_at, NULL) AS ended_at
FROM notice_records FINAL
WHERE NOT deleted;

-- What people did about alerts. Each action has a record and a key of its own, so all of them stay. The row that replaces
-- one whose record was deleted by a tombstone has no words of people in it.
CREATE TABLE IF NOT EXISTS handling_records ${on_cluster}
(
    handling_id String,
    offset UInt64,
    deleted Bool,
    alert_id String,
    company_id String,
    policy_id Nullable(String),
    action LowCardinality(String),
    handled_by String,
    handled_at DateTime64(3, 'UTC'),
    assigned_to Nullable(String),
    note Nullable(String)
)
ENGINE = ${replicated}ReplacingMergeTree(offset)
ORDER BY handling_id
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE OR REPLACE VIEW alert_handling ${on_cluster} AS
SELECT
    handling_id,
    alert_id,
    company_id,
    policy_id,
    action,
    handled_by,
    handled_at,
    assigned_to,
    note,
    offset
FROM handling_records FINAL
WHERE NOT deleted;
