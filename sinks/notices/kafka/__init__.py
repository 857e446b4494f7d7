"""The notifier's side of Kafka: where notices are stored, and where alerts come from."""
