"""The settings of an installation, read once from the environment (`PESERTA_...`) into one frozen object."""

import re
from dataclasses import fields
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, IPvAnyAddress, PrivateAttr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from peserta.notice_settings import PORT_MAX as PORT_MAX
from peserta.notice_settings import PREFIX as PREFIX
from peserta.operations.data_folder import default_data_dir
from peserta.operations.failure import WrongSettings
from peserta.operations.http_address import checked_registry_url, fault_of_file, is_http_address, registry_access
from peserta.worker_settings import WorkerSettings
from schemas.kafka.access import PLAINTEXT, KafkaAccess, WrongAccess
from schemas.topics import (
    ALERTS,
    CLOCK,
    COMPANIES,
    DEAD_LETTERS,
    FACTS,
    GENERATIONS,
    JOURNAL,
    KEYS,
    LEDGER,
    POLICIES,
    SNAPSHOTS,
    TOKEN_KEYS,
    TopicNames,
    of_generation,
)
from schemas.vocabulary import KINDS
from sinks.clickhouse.settings import SinkSettings
from streams.core.book import GRACE_DAYS_DEFAULT, GRACE_DAYS_MAX
from streams.schema_registry.access import RegistryAccess
from streams.settings import PARTITIONS_DEFAULT, InboundTopic, StreamSettings

PARTITIONS_MAX: Final = 1_000
REPLICATION_MAX: Final = 7
NO_PORT: Final = -1
RESERVED: Final = frozenset(
    (COMPANIES, POLICIES, JOURNAL, LEDGER, SNAPSHOTS, ALERTS, DEAD_LETTERS, GENERATIONS, CLOCK, KEYS, TOKEN_KEYS)
)
LATER_GENERATION: Final = re.compile(r"[.]g\d+")
BROKERS: Final = re.compile(r"[^\s:,/@]+:\d{1,5}(,[^\s:,/@]+:\d{1,5})*")
# The settings of a connection to Kafka, which must fit each other: field of KafkaAccess -> setting.
OF_ACCESS: Final = {each.name: f"kafka_{each.name}" for each in fields(KafkaAccess) if each.name != "servers"}
FILES_OF_HTTP: Final = tuple(
    f"{of}_{what}_file" for of in ("clickhouse", "schema_registry") for what in ("password", "ca")
)
WRONG_TOGETHER: Final = "wrong_together"
TOPIC_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")


class Settings(WorkerSettings):
    """Every setting has a default; an empty address means: none configured."""

    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        PLAINTEXT, description="of connections to Kafka; PLAINTEXT is neither encrypted nor authenticated"
    )
    kafka_ca_file: Path | None = Field(
        None, description="PEM, the CA of the brokers' certificates; empty: those of the operating system"
    )
    kafka_cert_file: Path | None = Field(None, description="PEM, a certificate to show to Kafka")
    kafka_key_file: Path | None = Field(None, description="PEM, its key, if the file of the certificate has it not")
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = Field(
        None, description="of SASL"
    )
    kafka_username: str | None = Field(None, description="of PLAIN and SCRAM")
    kafka_password_file: Path | None = Field(None, description="its password; a file that not everybody may read")
    kafka_token_file: Path | None = Field(None, description="the token of OAUTHBEARER, read for each connection")
    # Behind the settings that belong to it: fields are checked in this order.
    kafka: Annotated[KafkaAccess, NoDecode] = Field(
        KafkaAccess(""), validate_default=True, description="bootstrap servers, host:port[,host:port...]"
    )
    clickhouse_url: str = Field("", description="http[s]://[user:password@]host:port", repr=False)
    clickhouse_password_file: Path | None = Field(
        None, description="its password, instead of one in the address; a file that not everybody may read"
    )
    clickhouse_ca_file: Path | None = Field(
        None, description="PEM, the CA of its https certificate; empty: those of the operating system"
    )
    clickhouse_database: str = Field(
        "peserta", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$", description="the book's database"
    )
    clickhouse_cluster: str = Field("", description="make replicated tables on this ClickHouse cluster")
    schema_registry_url: str = Field(
        "", description="http[s]://[user@]host[:port][/path], a registry with Confluent's interface"
    )
    schema_registry_password_file: Path | None = Field(
        None, validate_default=True, description="of the user in that address; a file that not everybody may read"
    )
    schema_registry_ca_file: Path | None = Field(
        None, description="PEM, the CA of the registry's https certificate; empty: those of the operating system"
    )
    topic_prefix: str = Field("", pattern=r"^[A-Za-z0-9._-]{0,40}$", description="before the name of every topic")
    partitions: int = Field(PARTITIONS_DEFAULT, ge=1, le=PARTITIONS_MAX, description="of every topic; for good")
    replication: int = Field(1, ge=1, le=REPLICATION_MAX, description="of every topic, when it is made")
    inbound_topics: Annotated[tuple[InboundTopic, ...], NoDecode] = Field(
        (InboundTopic(),), description="name[:type+type],... : topics of facts, and the types of record each may carry"
    )
    clock: Literal["wall", "replay"] = Field("wall", description="wall, or replay (of history)")
    rates_file: Path | None = Field(None, description="YAML, contribution rates; empty: those that ship")
    grace_days: int = Field(
        GRACE_DAYS_DEFAULT, ge=0, le=GRACE_DAYS_MAX, description="until a new worker must be covered"
    )
    data_dir: Path = Field(default_factory=default_data_dir, description="of `peserta up`, and of state on disk")
    kafka_port: int | None = Field(
        None, ge=0, le=PORT_MAX, description="of the Kafka that `peserta up` starts; 0: a free one; empty: as last time"
    )
    clickhouse_port: int | None = Field(
        None, ge=0, le=PORT_MAX, description="of the ClickHouse that `peserta up` starts; likewise"
    )
    token_key_file: Path | None = Field(None, description="the key that makes tokens of people's numbers; mode 0600")
    health_port: int = Field(0, le=PORT_MAX, description="of a worker's endpoint; 0: a free one; empty: none")
    health_bind: IPvAnyAddress = Field(IPv4Address("127.0.0.1"), description="address of a worker's endpoint")
    api_port: int | None = Field(
        None,
        ge=0,
        le=PORT_MAX,
        description="of the HTTP door; 0: a free one; empty: 8080, or a free one if it is taken",
    )
    api_bind: IPvAnyAddress = Field(IPv4Address("127.0.0.1"), description="address of the HTTP door")
    _generation: int = PrivateAttr(1)

    @field_validator(*OF_ACCESS.values(), *FILES_OF_HTTP, mode="before", check_fields=False)
    @classmethod
    def _empty_is_unset(cls, value: Any, info: ValidationInfo) -> Any:
        return cls.model_fields[info.field_name or ""].default if value == "" else value

    @field_validator("kafka", mode="before")
    @classmethod
    def _brokers(cls, value: Any, info: ValidationInfo) -> KafkaAccess:
        servers = str(value)
        if servers and not BROKERS.fullmatch(servers):
            raise ValueError("write host:port, or several with commas")
        if not info.data.keys() >= set(OF_ACCESS.values()):
            return KafkaAccess(servers)  # one of them is wrong by itself, which is said
        said = {field: info.data[name] for field, name in OF_ACCESS.items()}
        try:
            access = KafkaAccess(servers, **said)
        except WrongAccess as error:
            raise _wrong_together(OF_ACCESS[error.field], str(error)) from None
        if access.security != PLAINTEXT and not servers:
            raise _wrong_together("kafka_security", f"is set, but {PREFIX}KAFKA names no broker")
        return access

    @field_validator("clickhouse_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if not is_http_address(value) or "?" in value:
            # The value itself may hold a password: it is not repeated.
            raise ValueError("write http[s]://[user:password@]host:port, with %-escapes for special characters")
        return value

    @field_validator("clickhouse_password_file", "clickhouse_ca_file")
    @classmethod
    def _of_clickhouse(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        url = urlsplit(info.data.get("clickhouse_url", ""))
        if value is None or "clickhouse_url" not in info.data:
            return value
        if info.field_name == "clickhouse_ca_file" and url.scheme != "https":
            raise ValueError(f"is set, but {PREFIX}CLICKHOUSE_URL does not begin with https://")
        if info.field_name == "clickhouse_password_file" and (not url.username or url.password):
            raise ValueError(f"is set, so {PREFIX}CLICKHOUSE_URL must name a user, and no password: https://user@host")
        return value

    @field_validator("schema_registry_url")
    @classmethod
    def _registry_url(cls, value: str) -> str:
        return checked_registry_url(value)

    @field_validator("schema_registry_password_file", "schema_registry_ca_file")
    @classmethod
    def _of_registry(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        url = info.data.get("schema_registry_url")
        if url is not None and (fault := fault_of_file(info.field_name or "", value, url)):
            raise ValueError(f"{fault.format(url=PREFIX + 'SCHEMA_REGISTRY_URL')}")
        return value

    @field_validator("inbound_topics", mode="before")
    @classmethod
    def _inbound(cls, value: Any) -> Any:
        topics = tuple(map(_inbound_topic, value.split(","))) if isinstance(value, str) else value
        names = [topic.name for topic in topics]
        if len(set(names)) < len(names) or not RESERVED.isdisjoint(LATER_GENERATION.sub("", name) for name in names):
            raise ValueError("an inbound topic stands twice, or has the name of one of the book's own topics")
        return topics

    @field_validator("health_port", mode="before")
    @classmethod
    def _health_port(cls, value: Any) -> Any:
        return NO_PORT if value == "" else value

    @field_validator("kafka_port", "clickhouse_port", "api_port", "token_key_file", "rates_file", mode="before")
    @classmethod
    def _empty(cls, value: Any) -> Any:
        return None if value == "" else value

    @property
    def health_listens_on(self) -> int | None:
        """The port of a worker's health endpoint, 0 for a free one; None for no endpoint."""
        return None if self.health_port < 0 else self.health_port

    @property
    def generation(self) -> int:
        """The generation of the book that is meant: the topics say which one stands, never the environment."""
        return self._generation

    def of_generation(self, number: int) -> "Settings":
        """The same settings for this generation of the book."""
        settings = self.model_copy()
        settings._generation = number
        return settings

    @property
    def topics(self) -> TopicNames:
        return TopicNames(self.topic_prefix, self._generation)

    @property
    def database(self) -> str:
        """Where the sink puts this generation; analysts see the standing one in `clickhouse_database`, by views."""
        return of_generation(self.clickhouse_database, self._generation, "_g")

    @property
    def schema_registry(self) -> RegistryAccess | None:
        """Where the schema registry is; None for none."""
        files = self.schema_registry_password_file, self.schema_registry_ca_file
        return registry_access(self.schema_registry_url, *files) if self.schema_registry_url else None

    def stream_settings(self) -> StreamSettings:
        """What the workers need."""
        return StreamSettings(
            kafka=self.kafka,
            data_dir=self.data_dir / "workers",
            topics=self.topics,
            partitions=self.partitions,
            inbound=self.inbound_topics,
            clock=self.clock,
            grace_days=self.grace_days,
            state=self.state,
            state_cache_bytes=self.state_cache_mb << 20,
            registry=self.schema_registry,
            gather_ms=self.gather_ms,
        )

    def sink_settings(self) -> SinkSettings:
        """What the sink needs."""
        return SinkSettings(
            kafka_address=self.kafka,
            clickhouse_url=self.clickhouse_url,
            database=self.database,
            topic_prefix=self.topic_prefix,
            generation=self.generation,
            gather_ms=self.sink_gather_ms,
            cluster=self.clickhouse_cluster or None,
            password_file=self.clickhouse_password_file,
            ca_file=self.clickhouse_ca_file,
        )

    def environment(self) -> dict[str, str]:
        """The variables that make a child process read the same settings."""
        inbound = ",".join(f"{topic.name}:{'+'.join(topic.types)}" for topic in self.inbound_topics)
        listed = {"inbound_topics": inbound, "notice_allowed_hosts": ",".join(self.notice_allowed_hosts)}
        values = {name: getattr(self, name) for name in type(self).model_fields} | listed
        return {f"{PREFIX}{name.upper()}": "" if value is None else str(value) for name, value in values.items()}


def _wrong_together(name: str, sentence: str) -> PydanticCustomError:
    return PydanticCustomError(
        WRONG_TOGETHER, "{variable} {sentence}", {"variable": PREFIX + name.upper(), "sentence": sentence}
    )


def _inbound_topic(text: str) -> InboundTopic:
    name, _, types = text.strip().partition(":")
    kinds = tuple(types.split("+")) if types else KINDS
    if not TOPIC_NAME.fullmatch(name) or not set(kinds) <= set(KINDS):
        raise ValueError(f"write name[:type+type], for example {FACTS}:hire+termination; types are {', '.join(KINDS)}")
    return InboundTopic(name, kinds)


def read_settings(**overrides: Any) -> Settings:
    """The settings of the environment; `overrides` that are not None win. WrongSettings names the variable."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == WRONG_TOGETHER:
            raise WrongSettings(first["msg"]) from None
        variable = PREFIX + str(first["loc"][0]).upper() if first["loc"] else PREFIX
        raise WrongSettings(f"{variable}: {first['msg'].removeprefix('Value error, ')}") from None
