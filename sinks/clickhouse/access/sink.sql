-- The sink: migrates its database, fills it, and publishes its views. It drops a table only after it moved all its rows.

CREATE ROLE IF NOT EXISTS ${database}_sink ${on_cluster};

GRANT ${on_cluster}
    SELECT, INSERT, ALTER TABLE, ALTER VIEW, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW
    ON ${generation}.* TO ${database}_sink;

GRANT ${on_cluster}
    SELECT, CREATE DATABASE, CREATE VIEW, DROP VIEW
    ON ${database}.* TO ${database}_sink;

GRANT ${on_cluster}
    SELECT, CREATE DATABASE, CREATE VIEW, DROP VIEW
    ON ${analysts}.* TO ${database}_sink;

-- Before it drops a table whose rows it moved, it waits for inserts that had begun; it sees those of its own user.
GRANT ${on_cluster} SELECT ON system.processes TO ${database}_sink;

GRANT ${on_cluster} TABLE ENGINE ON ReplacingMergeTree TO ${database}_sink;

GRANT ${on_cluster} TABLE ENGINE ON ReplicatedReplacingMergeTree TO ${database}_sink;
