-- Who asks: views only, in the database of analysts, which has no tokens of workers and no notes of people.

CREATE ROLE IF NOT EXISTS ${database}_analyst ${on_cluster};

GRANT ${on_cluster} SELECT ON ${analysts}.* TO ${database}_analyst;
