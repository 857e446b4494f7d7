"""What the sink has to be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.topics import TopicNames

DATABASE_DEFAULT = "peserta"
LINGER_DEFAULT_S = 0.25


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """Addresses, names and pace of one sink.

    `clickhouse_url` is `http[s]://[user:password@]host:port`; `kafka_options` go to aiokafka as they are (SASL, TLS):
    both may hold secrets, so neither is shown. `topic_prefix` stands before every topic's name; `generation` is
    that of the book whose topics are read. A round that is not full is followed by a pause of `linger_s`: fewer and
    larger inserts for so much delay. With `cluster` the tables are made replicated, on that ClickHouse cluster.
    `migrate`: bring the tables up to date before starting. `shown_in`: another database, in which the views are made
    too as soon as this one has caught up (`sinks.clickhouse.showing`).
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
