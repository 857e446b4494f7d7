"""The settings of the sink."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.topics import TopicNames

DATABASE_DEFAULT = "peserta"
LINGER_DEFAULT_S = 0.25


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """Addresses, names and pace of one sink.

    `clickhouse_url` is `http[s]://[user:password@]host:port`. `kafka_options` are passed to aiokafka (SASL, TLS). Both
    may hold secrets, so neither is printed. `topic_prefix` comes before every topic's name. `generation` is the
    generation of the book whose topics are read. After a round that is not full the sink pauses for `linger_s`, which
    gives fewer, larger inserts and more delay. With `cluster` the tables are replicated on that ClickHouse cluster.
    `migrate`: migrate the database before starting. `shown_in`: another database in which the views are created too,
    as soon as this one has caught up (`sinks.clickhouse.showing`).
    """

    kafka_address: str
    clickhouse_url: str = field(repr=False)
    database: str = DATABASE_DEFAULT
    topic_prefix: str = ""
    kafka_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    linger_s: float = LINGER_DEFAULT_S
    cluster: str | None = None
    migrate: bool = True
    generation: int = 1
    shown_in: str = ""

    @property
    def topics(self) -> TopicNames:
        """The names of the topics."""
        return TopicNames(self.topic_prefix, self.generation)
