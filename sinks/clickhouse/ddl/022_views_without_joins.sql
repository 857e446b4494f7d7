-- The facts that count, over all companies. `journal` joins each fact with its entry, by company too, so that a question about
-- one company reads little. Where every fact is asked for, a bitmap of the entries that count is enough: at most 8 KB for
-- 65,536 offsets. An entry's number in it is its partition, above 44 bits of offset: centuries of a thousand records a second.
CREATE OR REPLACE VIEW counted_facts ${on_cluster} AS
WITH
    (
        SELECT groupBitmapState(bitOr(bitShiftLeft(toUInt64(partition), 44), offset))
        FROM ledger_entries
        WHERE disposition IN ('applied', 'no_effect')
    ) AS counted
SELECT company_id, partition, offset, recorded_at, type, source, effective_on
FROM journal_facts FINAL
WHERE bitmapContains(counted, bitOr(bitShiftLeft(toUInt64(partition), 44), offset));

-- What became of each fact, without the fact.
CREATE OR REPLACE VIEW dispositions ${on_cluster} AS
SELECT company_id, partition, offset, recorded_at, event_id, disposition
FROM ledger_entries FINAL;
