-- Who may see tokens too: the commands and the HTTP door that read ClickHouse, and the audit. The views of the book read
-- the tables of its current generation with the rights of whoever asks.

CREATE ROLE IF NOT EXISTS ${database}_reader ${on_cluster};

GRANT ${on_cluster} SELECT ON ${database}.* TO ${database}_reader;

GRANT ${on_cluster} SELECT ON ${generation}.* TO ${database}_reader;

GRANT ${on_cluster} SELECT ON ${analysts}.* TO ${database}_reader;
