"""The settings of the sink."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from schemas.kafka.access import Brokers
from schemas.secret_file import read_secret, ssl_context_of
from schemas.topics import TopicNames
from sinks.clickhouse.server import Server

DATABASE_DEFAULT = "peserta"
GATHER_MS_DEFAULT = 1_000


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """Addresses, names and pace of one sink.

    `clickhouse_url` is `http[s]://[user:password@]host:port`. It is not printed, because it may hold a password. A
    password in `password_file` is read when a connection is made. `ca_file`: the CA to trust for https.
    `topic_prefix` comes before every topic's name. `generation` is the generation of the book whose topics are
    read. The sink lets Kafka wait up to `gather_ms` for more records before it reads the first, which gives fewer,
    larger inserts and more delay; 0: it reads each at once. With `cluster` the tables are replicated on that
    ClickHouse cluster. `migrate`: migrate the database before starting. `published_in`: another database in which
    the views are published too, as soon as this one has caught up (`sinks.clickhouse.published_views`).
    """

    kafka_address: Brokers
    clickhouse_url: str = field(repr=False)
    database: str = DATABASE_DEFAULT
    topic_prefix: str = ""
    gather_ms: int = GATHER_MS_DEFAULT
    cluster: str | None = None
    migrate: bool = True
    generation: int = 1
    published_in: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None

    @property
    def clickhouse_options(self) -> dict[str, Any]:
        """The arguments with which clickhouse-connect reaches ClickHouse. Reads the files now; raises SecretFault."""
        # Without the interface, clickhouse-connect takes the protocol from the port: https on 443 and 8443, else http.
        options: dict[str, Any] = {"dsn": self.clickhouse_url, "interface": urlsplit(self.clickhouse_url).scheme}
        if self.password_file is not None:
            options["password"] = read_secret(self.password_file)
        if self.ca_file is not None:
            ssl_context_of(self.ca_file)
            options["ca_cert"] = str(self.ca_file)
        return options

    @property
    def server(self) -> Server:
        """ClickHouse without user and password."""
        return Server.of(self.clickhouse_url, self.ca_file)

    @property
    def topics(self) -> TopicNames:
        """The names of the topics."""
        return TopicNames(self.topic_prefix, self.generation)
