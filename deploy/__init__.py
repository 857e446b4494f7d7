"""How the service is brought up: a Kafka and a ClickHouse by pip alone (`embedded`), images, compose, runbooks."""
