"""Kafka -> ClickHouse: the tables, the views, and the loop that fills them."""
