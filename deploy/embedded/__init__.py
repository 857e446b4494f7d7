"""The embedded stack: a real Kafka and ClickHouse's own engine as child processes, from pip packages alone.

Nothing here is needed where both are run by somebody else; nothing outside this room knows how they are started.
"""
