"""The audit of a standing book: ledger, alerts, dead letters and state, held against its own journal folded again.

Snapshots are held against nothing: a rebuild makes them anew.

`reading` gets one partition of a topic, `partition` audits one partition of the book (`kept`) against what the journal
gives (`expected`), `inbound` accounts for every record published, `warehouse` looks at ClickHouse, `seal` keeps heads
of chains, `report` puts it together.
"""
