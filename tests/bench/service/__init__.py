"""The real workers as processes on a real Kafka and ClickHouse: their speed, cost, latency and recovery time."""
