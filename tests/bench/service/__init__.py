"""The real workers as processes on a real Kafka and ClickHouse: how fast, at what cost, how late, how soon again."""
