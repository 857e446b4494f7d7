-- Whose fact it is. Lines of the ledger lead to facts, and have no worker of their own. `journal` has the token too, but joins
-- each fact with its entry, whose key ClickHouse keeps in memory for that: of all facts it is more than a query may have.
-- Without that join nothing is lost: a fact that was not dispositioned has no lines, or its entry is on its way.
CREATE OR REPLACE VIEW fact_workers ${on_cluster} AS
SELECT company_id, partition, offset, worker_id
FROM journal_facts FINAL;
