"""The notifier's side of Kafka: where notices are stored, where alerts come from, and who leads."""
