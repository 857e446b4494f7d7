"""The embedded stack: a real Kafka and ClickHouse's own engine as child processes, from pip packages alone.

It is not needed where Kafka and ClickHouse run elsewhere. No other package knows how they are started.
"""
