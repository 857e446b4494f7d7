CREATE OR REPLACE VIEW ledger_changes ${on_cluster} AS
SELECT
    company_id,
    value_on,
    partition,
    offset,
    posting,
    recorded_at,
    quantity * (toInt64(class_after != 0) - toInt64(class_before != 0)) AS active,
    quantity * (toInt64(bitAnd(class_after, @required_mask@) = @required_mask@)
        - toInt64(bitAnd(class_before, @required_mask@) = @required_mask@)) AS covered,
    quantity * (toInt64(bitAnd(class_after, @new_mask@) != 0 AND bitAnd(class_after, @required_mask@) != @required_mask@)
        - toInt64(bitAnd(class_before, @new_mask@) != 0 AND bitAnd(class_before, @required_mask@) != @required_mask@)) AS uncovered_new,
--- programme
    quantity * (toInt64(bitTest(class_after, @bit@)) - toInt64(bitTest(class_before, @bit@))) AS enrolled_@programme@,
---
--- employment_type
    quantity * (toInt64(bitAnd(class_after, @type_mask@) = @number@) - toInt64(bitAnd(class_before, @type_mask@) = @number@)) AS active_@employment_type@,
    quantity * (toInt64(bitAnd(class_after, @required_and_type_mask@) = @required_and_number@)
        - toInt64(bitAnd(class_before, @required_and_type_mask@) = @required_and_number@)) AS covered_@employment_type@,
---
    quantity * toInt64(class_before = 0 AND class_after != 0) AS joined,
    quantity * toInt64(class_before != 0 AND class_after = 0) AS left,
    quantity * toInt64(bitAnd(class_before, @required_mask@) != @required_mask@ AND bitAnd(class_after, @required_mask@) = @required_mask@) AS gained_cover,
    quantity * toInt64(bitAnd(class_before, @required_mask@) = @required_mask@ AND bitAnd(class_after, @required_mask@) != @required_mask@) AS lost_cover
FROM ledger_lines FINAL;
