"""The whole way of a fact in one process: real recorder, lanes, book-keeper and sink on a log in memory, under faults
that a seed decides. No sockets, no threads, no waiting: time is a number.

`loop`, `process` and `chance` are the machine; `log`, `broker`, `groups`, `clients` are Kafka, `clickhouse` is
ClickHouse; `host` stands in for Faust; `story`, `roles`, `world`, `judgement` are a schedule from its beginning to its
verdict; `broken` has the defects that must be found.
"""
