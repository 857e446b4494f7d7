"""The audit of a book: ledger, alerts, snapshots, dead letters and state, compared with its journal folded again.

`reading` reads one partition of a topic. `partition` compares one partition of the book with what the journal gives
(`expected`), `snapshots` the last snapshot of each company, and `inbound` accounts for every record published.
`warehouse` compares ClickHouse's rows (`tables`) with the topics, and `journal_rows` those of the journal. `seal` has
the heads of the hash chains, and `report` combines all.
"""
