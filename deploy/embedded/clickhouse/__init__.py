"""ClickHouse's own engine (chDB) as a process behind ClickHouse's HTTP interface: loopback only, no roles, no TLS.

Sinks, views and readers know only that interface, so the same code talks to a real server. `python -m
deploy.embedded.clickhouse` is the process, `server.ClickHouse` starts it; nothing else imports the engine.
"""
