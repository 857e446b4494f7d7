-- An analyst of some companies alone: sees their rows of every view that has companies, and the policies of all. Refused
-- records are not there, because a record that could not be read has no company. Whoever has the role of analysts beside
-- this one is restricted to these companies, too.

CREATE ROLE IF NOT EXISTS ${database}_${name} ${on_cluster};

GRANT ${on_cluster} SELECT ON ${analysts}.alert_handling TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.alerts TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.companies TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.counted_facts TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.coverage_as_of TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.coverage_changes TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.coverage_changes_since TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.coverage_current TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.coverage_daily TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.dispositions TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.journal TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.ledger TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.ledger_changes TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.notices TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.policies TO ${database}_${name};

GRANT ${on_cluster} SELECT ON ${analysts}.policy_status TO ${database}_${name};

CREATE ROW POLICY OR REPLACE ${database}_${name} ${on_cluster}
    ON ${analysts}.alert_handling, ${analysts}.alerts, ${analysts}.companies, ${analysts}.counted_facts,
    ${analysts}.coverage_as_of, ${analysts}.coverage_changes, ${analysts}.coverage_changes_since,
    ${analysts}.coverage_current, ${analysts}.coverage_daily, ${analysts}.dispositions, ${analysts}.journal,
    ${analysts}.ledger, ${analysts}.ledger_changes, ${analysts}.notices, ${analysts}.policy_status
    USING company_id IN (${companies}) TO ${database}_${name};

CREATE SETTINGS PROFILE OR REPLACE ${database}_${name} ${on_cluster}
    SETTINGS INHERIT ${database}_analyst TO ${database}_${name};
