"""The whole service in one process: real recorder, lanes, book-keeper and sink on a log in memory, under faults that a
seed chooses. There are no sockets, no threads and no waiting: time is a number.

`loop`, `process` and `chance` are the machine. `log`, `broker`, `groups` and `clients` replace Kafka, `clickhouse`
replaces ClickHouse, and `host` replaces Faust. `story`, `roles`, `world` and `judgement` run a schedule from its
beginning to its verdict. `broken` has the defects that must be detected.
"""
