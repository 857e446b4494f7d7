-- What an analyst may use: reading only, memory and time for one query, queries and time for an hour. A client may ask for
-- less, and for settings that change nothing here: most clients send some with each query.

CREATE SETTINGS PROFILE OR REPLACE ${database}_analyst ${on_cluster}
    SETTINGS readonly = 2 CONST,
        max_memory_usage = 4000000000 MAX 4000000000,
        max_execution_time = 60 MIN 1 MAX 60,
        max_result_rows = 10000000 MIN 1 MAX 10000000,
        max_threads = 4 MAX 4
    TO ${database}_analyst;

CREATE QUOTA OR REPLACE ${database}_analyst ${on_cluster} KEYED BY user_name
    FOR INTERVAL 1 hour MAX queries = 3600, execution_time = 3600
    TO ${database}_analyst;
