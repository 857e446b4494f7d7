CREATE OR REPLACE VIEW ledger_changes ${on_cluster} AS
SELECT
    company_id,
    value_on,
    partition,
    offset,
    posting,
    recorded_at,
    quantity,
    class_before,
    class_after,
--- change
    @expression@ AS @change@,
---
FROM ledger_lines FINAL;
