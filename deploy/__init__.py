"""How the service is brought up: Kafka and ClickHouse from pip packages alone (`embedded`), and the image."""
