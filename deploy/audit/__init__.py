"""The audit of a standing book: everything that it said, held against its own journal folded again.

`reading` gets one partition of a topic, `partition` audits one partition of the book, `inbound` accounts for every
record published, `warehouse` looks at ClickHouse, `seal` keeps heads of chains, `report` puts it together.
"""
