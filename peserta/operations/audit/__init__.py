"""The audit of a standing book: ledger, alerts, snapshots, dead letters and state, against its journal folded again.

`reading` gets one partition of a topic, `partition` audits one partition of the book (`kept`) against what the journal
gives (`expected`), `snapshots` the last of each company, `inbound` accounts for every record published. `warehouse`
holds ClickHouse's rows (`tables`) against the topics, `journal_rows` those of the journal. `seal` keeps heads of
chains, `report` puts it together.
"""
