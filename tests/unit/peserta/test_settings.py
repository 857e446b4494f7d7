"""The settings of an installation: the values that each variable accepts or refuses, and those of child processes."""

import sys
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from peserta.cli.variables import exposed, unknown_variables
from peserta.operations.failure import WrongSettings
from peserta.settings import PREFIX, Settings, read_settings
from schemas.kafka.access import KafkaAccess
from schemas.vocabulary import KINDS
from sinks.notices.secrets import variable_of
from streams.schema_registry.access import RegistryAccess
from streams.settings import InboundTopic
from tests.support.journals import deterministic

# Variable without its prefix -> a valid value, and its parsed form.
TAKEN: Final[dict[str, tuple[str, object]]] = {
    "KAFKA_SECURITY": ("SASL_SSL", "SASL_SSL"),
    "KAFKA_CA_FILE": ("/run/ca.pem", Path("/run/ca.pem")),
    "KAFKA_CERT_FILE": ("/run/own.pem", Path("/run/own.pem")),
    "KAFKA_KEY_FILE": ("/run/own.key", Path("/run/own.key")),
    "KAFKA_MECHANISM": ("SCRAM-SHA-512", "SCRAM-SHA-512"),
    "KAFKA_USERNAME": ("recorder", "recorder"),
    "KAFKA_PASSWORD_FILE": ("/run/word", Path("/run/word")),
    "KAFKA_TOKEN_FILE": ("/run/token", Path("/run/token")),
    "KAFKA": ("one:9092,two:9092", KafkaAccess("one:9092,two:9092")),
    "CLICKHOUSE_URL": ("https://reader:word@host:8443", "https://reader:word@host:8443"),
    "CLICKHOUSE_PASSWORD_FILE": ("/run/word", Path("/run/word")),
    "CLICKHOUSE_CA_FILE": ("/run/ca.pem", Path("/run/ca.pem")),
    "CLICKHOUSE_DATABASE": ("book_2", "book_2"),
    "CLICKHOUSE_CLUSTER": ("main", "main"),
    "SCHEMA_REGISTRY_URL": ("https://registry.example/apis/ccompat/v7", "https://registry.example/apis/ccompat/v7"),
    "SCHEMA_REGISTRY_PASSWORD_FILE": ("/run/word", Path("/run/word")),
    "SCHEMA_REGISTRY_CA_FILE": ("/run/ca.pem", Path("/run/ca.pem")),
    "TOPIC_PREFIX": ("id.jateng.", "id.jateng."),
    "PARTITIONS": ("64", 64),
    "REPLICATION": ("3", 3),
    "INBOUND_TOPICS": (
        "hr.facts:hire+termination, agency",
        (InboundTopic("hr.facts", ("hire", "termination")), InboundTopic("agency", KINDS)),
    ),
    "CLOCK": ("replay", "replay"),
    "GRACE_DAYS": ("0", 0),
    "RATES_FILE": ("/srv/rates.yaml", Path("/srv/rates.yaml")),
    "DATA_DIR": ("/srv/book", Path("/srv/book")),
    "KAFKA_PORT": ("19092", 19092),
    "CLICKHOUSE_PORT": ("0", 0),
    "STATE": ("disk", "disk"),
    "STATE_CACHE_MB": ("1024", 1024),
    "GATHER_MS": ("0", 0),
    "SINK_GATHER_MS": ("2500", 2_500),
    "TOKEN_KEY_FILE": ("/srv/keys/tokens", Path("/srv/keys/tokens")),
    "API_PORT": ("8080", 8080),
    "API_BIND": ("0.0.0.0", IPv4Address("0.0.0.0")),
    "NOTICE_SECRETS_DIR": ("/run/secrets", Path("/run/secrets")),
    "NOTICE_ALLOWED_HOSTS": ("Hooks.internal:8443, [fd00::1]", ("hooks.internal:8443", "[fd00::1]")),
    "NOTICE_CA_FILE": ("/run/ca.pem", Path("/run/ca.pem")),
    "MAIL_HOST": ("mail.example.org", "mail.example.org"),
    "MAIL_PORT": ("2525", 2525),
    "MAIL_TLS": ("tls", "tls"),
    "MAIL_SENDER": ("peserta@example.org", "peserta@example.org"),
    "MAIL_USER": ("peserta", "peserta"),
    "MAIL_PASSWORD_FILE": ("/run/word", Path("/run/word")),
    "HEALTH_PORT": ("9100", 9100),
    "HEALTH_BIND": ("0.0.0.0", IPv4Address("0.0.0.0")),
}

BROKER: Final = {"KAFKA": "one:9092"}
ENCRYPTED: Final = BROKER | {"KAFKA_SECURITY": "SSL"}
BY_PASSWORD: Final = BROKER | {
    "KAFKA_SECURITY": "SASL_SSL",
    "KAFKA_MECHANISM": "SCRAM-SHA-512",
    "KAFKA_USERNAME": "recorder",
    "KAFKA_PASSWORD_FILE": "/run/word",
}
BY_TOKEN: Final = BROKER | {
    "KAFKA_SECURITY": "SASL_SSL",
    "KAFKA_MECHANISM": "OAUTHBEARER",
    "KAFKA_TOKEN_FILE": "/run/token",
}
HTTPS: Final = {"CLICKHOUSE_URL": "https://reader@host:8443"}
REGISTRY: Final = {
    "SCHEMA_REGISTRY_URL": "https://reader@registry.example:8081/sr",
    "SCHEMA_REGISTRY_PASSWORD_FILE": "/run/word",
}
MAIL: Final = {"MAIL_HOST": "mail.example.org", "MAIL_SENDER": "peserta@example.org"}
# Variable -> the variables that must be set with it.
COMPANIONS: Final[dict[str, dict[str, str]]] = {
    "KAFKA_CA_FILE": ENCRYPTED,
    "KAFKA_CERT_FILE": ENCRYPTED,
    "KAFKA_KEY_FILE": ENCRYPTED | {"KAFKA_CERT_FILE": "/run/own.pem"},
    **dict.fromkeys(("KAFKA_SECURITY", "KAFKA_MECHANISM", "KAFKA_USERNAME", "KAFKA_PASSWORD_FILE"), BY_PASSWORD),
    "KAFKA_TOKEN_FILE": BY_TOKEN,
    "CLICKHOUSE_PASSWORD_FILE": HTTPS,
    "CLICKHOUSE_CA_FILE": HTTPS,
    "SCHEMA_REGISTRY_PASSWORD_FILE": REGISTRY,
    "SCHEMA_REGISTRY_CA_FILE": {"SCHEMA_REGISTRY_URL": "https://registry.example"},
    "MAIL_HOST": {"MAIL_SENDER": "peserta@example.org"},
}

# Case -> the variables, and the one that the error names.
REFUSED_TOGETHER: Final = (
    ("locks without a broker", {"KAFKA_SECURITY": "SSL"}, "KAFKA_SECURITY"),
    ("a CA of a plain connection", BROKER | {"KAFKA_CA_FILE": "/run/ca.pem"}, "KAFKA_CA_FILE"),
    ("a key without its certificate", ENCRYPTED | {"KAFKA_KEY_FILE": "/run/own.key"}, "KAFKA_CERT_FILE"),
    ("a user of a plain connection", BROKER | {"KAFKA_USERNAME": "recorder"}, "KAFKA_USERNAME"),
    ("a mechanism of a connection without SASL", ENCRYPTED | {"KAFKA_MECHANISM": "PLAIN"}, "KAFKA_MECHANISM"),
    ("SASL without a mechanism", BROKER | {"KAFKA_SECURITY": "SASL_PLAINTEXT"}, "KAFKA_MECHANISM"),
    ("SCRAM without a user", {**BY_PASSWORD, "KAFKA_USERNAME": ""}, "KAFKA_USERNAME"),
    ("SCRAM without a password", {**BY_PASSWORD, "KAFKA_PASSWORD_FILE": ""}, "KAFKA_PASSWORD_FILE"),
    ("SCRAM with a token", BY_PASSWORD | {"KAFKA_TOKEN_FILE": "/run/token"}, "KAFKA_TOKEN_FILE"),
    ("OAUTHBEARER without a token", {**BY_TOKEN, "KAFKA_TOKEN_FILE": ""}, "KAFKA_TOKEN_FILE"),
    ("OAUTHBEARER with a user", BY_TOKEN | {"KAFKA_USERNAME": "recorder"}, "KAFKA_USERNAME"),
    (
        "a CA for http",
        {"CLICKHOUSE_URL": "http://host:8123", "CLICKHOUSE_CA_FILE": "/run/ca.pem"},
        "CLICKHOUSE_CA_FILE",
    ),
    (
        "two passwords of ClickHouse",
        {"CLICKHOUSE_URL": "http://reader:word@host:8123", "CLICKHOUSE_PASSWORD_FILE": "/run/word"},
        "CLICKHOUSE_PASSWORD_FILE",
    ),
    (
        "a registry's user without a password",
        {"SCHEMA_REGISTRY_URL": "https://reader@host"},
        "SCHEMA_REGISTRY_PASSWORD_FILE",
    ),
    (
        "a registry's password without a user",
        {"SCHEMA_REGISTRY_URL": "https://host", "SCHEMA_REGISTRY_PASSWORD_FILE": "/run/word"},
        "SCHEMA_REGISTRY_PASSWORD_FILE",
    ),
    (
        "a password in the address of a registry",
        {"SCHEMA_REGISTRY_URL": "https://reader:word@host"},
        "SCHEMA_REGISTRY_URL",
    ),
    (
        "a CA for a registry by http",
        {"SCHEMA_REGISTRY_URL": "http://host", "SCHEMA_REGISTRY_CA_FILE": "/run/ca.pem"},
        "SCHEMA_REGISTRY_CA_FILE",
    ),
    ("mail from nobody", {"MAIL_HOST": "mail.example.org"}, "MAIL_HOST"),
    ("mail from a name", MAIL | {"MAIL_SENDER": "Peserta"}, "MAIL_HOST"),
    ("mail through another machine without TLS", MAIL | {"MAIL_TLS": "none"}, "MAIL_HOST"),
    ("mail's user without a password", MAIL | {"MAIL_USER": "peserta"}, "MAIL_HOST"),
    ("mail's port in its host", MAIL | {"MAIL_HOST": "mail.example.org:587"}, "MAIL_HOST"),
)

REFUSED: Final = (
    ("a database with a quote", "CLICKHOUSE_DATABASE", "a'b"),
    ("a database without a name", "CLICKHOUSE_DATABASE", ""),
    ("a prefix with a blank", "TOPIC_PREFIX", "a b"),
    ("no partition", "PARTITIONS", "0"),
    ("too many partitions", "PARTITIONS", "1001"),
    ("partitions in words", "PARTITIONS", "eight"),
    ("no replica", "REPLICATION", "0"),
    ("an unknown clock", "CLOCK", "utc"),
    ("a negative grace period", "GRACE_DAYS", "-1"),
    ("a grace period for ever", "GRACE_DAYS", "1000000"),
    ("no inbound topic", "INBOUND_TOPICS", ""),
    ("an inbound topic with a blank", "INBOUND_TOPICS", "a b"),
    ("an inbound topic that stands twice", "INBOUND_TOPICS", "facts,facts:hire"),
    ("the name of a topic of the book", "INBOUND_TOPICS", "coverage.journal.v1"),
    ("a broker without a port", "KAFKA", "localhost"),
    ("a broker whose port is none", "KAFKA", "localhost:abc"),
    ("a ClickHouse without a scheme", "CLICKHOUSE_URL", "localhost:8123"),
    ("a ClickHouse with options", "CLICKHOUSE_URL", "http://h:8123/?max_threads=1"),
    ("a ClickHouse whose password is not escaped", "CLICKHOUSE_URL", "http://u:se#cret@h:8123"),
    ("a registry without a scheme", "SCHEMA_REGISTRY_URL", "localhost:8081"),
    ("a registry with a query", "SCHEMA_REGISTRY_URL", "http://localhost:8081/?a=b"),
    ("a state nowhere", "STATE", "tape"),
    ("no cache", "STATE_CACHE_MB", "0"),
    ("a wait longer than a rebalance should", "GATHER_MS", "1001"),
    ("a wait before now", "SINK_GATHER_MS", "-1"),
    ("a port that is none", "HEALTH_PORT", "65536"),
    ("a port of Kafka that is none", "KAFKA_PORT", "65536"),
    ("a port of ClickHouse below all", "CLICKHOUSE_PORT", "-1"),
    ("an address that is a name", "HEALTH_BIND", "localhost"),
    ("a host of receivers with a path", "NOTICE_ALLOWED_HOSTS", "hooks.internal/path"),
    ("an unknown TLS of mail", "MAIL_TLS", "ssl"),
    ("an inbound topic with an unknown type", "INBOUND_TOPICS", "facts:hire+fire"),
)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def test_every_setting_has_a_case() -> None:
    assert {name.lower() for name in TAKEN} == set(Settings.model_fields)


@pytest.mark.parametrize(("name", "text", "value"), [(name, *taken) for name, taken in TAKEN.items()], ids=TAKEN)
def test_a_variable_is_read(name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    unset = getattr(read_settings(), name.lower())
    for other, value_of_other in COMPANIONS.get(name, {}).items():
        monkeypatch.setenv(PREFIX + other, value_of_other)
    monkeypatch.setenv(PREFIX + name, text)
    assert getattr(read_settings(), name.lower()) == value != unset


@pytest.mark.parametrize(("name", "text"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_wrong_value_names_its_variable(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + name, text)
    with pytest.raises(WrongSettings, match=f"^{PREFIX}{name}: "):
        read_settings()


@pytest.mark.parametrize(
    ("variables", "named"), [case[1:] for case in REFUSED_TOGETHER], ids=[case[0] for case in REFUSED_TOGETHER]
)
def test_settings_that_do_not_fit_each_other_are_refused_and_one_is_named(
    variables: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(PREFIX + name, text)
    with pytest.raises(WrongSettings, match=f"^{PREFIX}{named}:? ") as refused:
        read_settings()
    assert "reader:word" not in str(refused.value)


@pytest.mark.parametrize("variables", [BROKER, ENCRYPTED, BY_PASSWORD, BY_TOKEN, HTTPS, REGISTRY])
def test_an_access_reaches_the_workers_and_a_child_process(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(PREFIX + name, text)
    settings = read_settings()
    assert settings.stream_settings().kafka == settings.sink_settings().kafka_address == settings.kafka
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert read_settings() == settings


@pytest.mark.parametrize(
    ("address", "is_said"),
    [
        ("http://reader@registry.example:8081", True),
        ("http://reader@10.0.0.7/sr", True),
        ("http://reader@127.0.0.1:8081", False),
        ("http://reader@[::1]:8081", False),
        ("http://reader@localhost", False),
        ("https://reader@registry.example", False),
        ("http://registry.example", False),
    ],
)
def test_a_password_that_would_go_to_another_registry_s_machine_in_the_clear_is_said(
    address: str, is_said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}SCHEMA_REGISTRY_URL", address)
    monkeypatch.setenv(f"{PREFIX}SCHEMA_REGISTRY_PASSWORD_FILE", "/run/word" if "@" in address else "")
    registry = address.replace("reader@", "")
    sentence = f"The password of the schema registry at {registry} is sent without encryption: use https."
    assert exposed() == ([sentence] if is_said else [])


def test_the_recorder_gets_the_registry_s_address_without_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().stream_settings().registry is None
    for name, text in REGISTRY.items():
        monkeypatch.setenv(PREFIX + name, text)
    expected = RegistryAccess("https://registry.example:8081/sr", "reader", Path("/run/word"))
    assert read_settings().stream_settings().registry == expected


@pytest.mark.parametrize("name", ["KAFKA_PORT", "CLICKHOUSE_PORT"])
def test_an_empty_port_is_none_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + name, "")
    settings = read_settings()
    assert getattr(settings, name.lower()) is None
    monkeypatch.setenv(PREFIX + name, settings.environment()[PREFIX + name])
    assert read_settings() == settings


def test_what_a_caller_says_wins_and_nothing_said_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESERTA_CLOCK", "replay")
    assert read_settings(clock="wall").clock == "wall"
    assert read_settings(clock=None).clock == "replay"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_settings().kafka = KafkaAccess("another:9092")


def test_a_password_is_not_shown() -> None:
    settings = read_settings(clickhouse_url="http://reader:a-secret@host:8123")
    assert "a-secret" not in repr(settings)
    assert "a-secret" not in repr(settings.sink_settings())


def test_a_child_process_reads_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (text, _) in TAKEN.items():
        if name not in COMPANIONS:
            monkeypatch.setenv(PREFIX + name, text)
    settings = read_settings()
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert read_settings() == settings


topics = st.builds(
    InboundTopic,
    st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True),
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=4, unique=True).map(tuple),
)


@given(
    st.lists(topics, min_size=1, max_size=3, unique_by=lambda topic: topic.name).map(tuple),
    st.integers(1, 1000),
    st.sampled_from(["wall", "replay"]),
    st.integers(0, 3650),
)
@deterministic
def test_any_settings_pass_through_an_environment(
    inbound: tuple[InboundTopic, ...], partitions: int, clock: str, grace_days: int
) -> None:
    settings = read_settings(inbound_topics=inbound, partitions=partitions, clock=clock, grace_days=grace_days)
    with pytest.MonkeyPatch.context() as child:
        for name, value in settings.environment().items():
            child.setenv(name, value)
        assert read_settings() == settings


def test_workers_and_sink_are_told_the_same() -> None:
    settings = read_settings(kafka="one:9092", clickhouse_url="http://two:8123", topic_prefix="p.", clock="replay")
    later = settings.of_generation(3)
    streams, sink = settings.stream_settings(), settings.sink_settings()
    assert streams.kafka == sink.kafka_address == KafkaAccess("one:9092")
    assert (streams.topics.journal, sink.topic_prefix) == ("p.coverage.journal.v1", "p.")
    assert (streams.clock, streams.partitions, streams.grace_days) == ("replay", settings.partitions, 30)
    assert (sink.clickhouse_url, sink.database, sink.cluster) == ("http://two:8123", "peserta", None)
    assert (later.sink_settings().database, later.sink_settings().topics.ledger) == (
        "peserta_g3",
        "p.coverage.ledger.v1.g3",
    )
    assert later.stream_settings().changelog == "p.peserta-bookkeeper.g3-book-changelog"
    assert (later.topics.journal, settings.topics.ledger) == ("p.coverage.journal.v1", "p.coverage.ledger.v1")


# ---------------------------------------------------------------- unknown variables


def test_every_setting_in_any_case_and_the_variables_of_others_are_passed_over() -> None:
    known = [PREFIX + name for name in TAKEN]
    assert unknown_variables([*known, *map(str.lower, known), "PATH", "KAFKA", "MY_PESERTA_KAFKA"]) == []


def test_the_file_of_a_secret_of_notices_is_passed_over_and_no_other_name_like_it() -> None:
    assert unknown_variables(map(variable_of, ("hook", "hr-chat.2"))) == []
    assert len(unknown_variables(["PESERTA_NOTICE_SECRET_HOOK", "PESERTA_NOTICE_SECRET_HOOK_FILES"])) == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PESERTA_KAFAK", "Is PESERTA_KAFKA meant?"),
        ("peserta_partition", "Is PESERTA_PARTITIONS meant?"),
        ("PESERTA_CLICKHOUSE", "Is PESERTA_CLICKHOUSE_URL meant?"),
        ("PESERTA_XYZZY", "changes nothing."),
        ("PESERTA_KAFKA_SECURITY_PROTOCOL", "PESERTA_KAFKA_PASSWORD_FILE, PESERTA_KAFKA_TOKEN_FILE."),
        ("PESERTA_KAFKA_SASL_PASSWORD", "PESERTA_KAFKA_PASSWORD_FILE, PESERTA_KAFKA_TOKEN_FILE."),
        ("PESERTA_SSL_CAFILE", "PESERTA_KAFKA_PASSWORD_FILE, PESERTA_KAFKA_TOKEN_FILE."),
        ("PESERTA_CLICKHOUSE_PASSWORD", "in PESERTA_CLICKHOUSE_PASSWORD_FILE."),
    ],
)
def test_a_variable_that_is_no_setting_is_said_with_what_may_be_meant(name: str, words: str) -> None:
    (said,) = unknown_variables([name, "PESERTA_KAFKA"])
    assert said.startswith(f"{name} is no setting of Peserta")
    assert said.endswith(words)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("configured", [None, "/srv/config"])
def test_the_data_directory_is_where_programs_of_this_platform_have_it(
    platform: str, configured: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PESERTA_DATA_DIR", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    if configured is not None:
        monkeypatch.setenv("XDG_CONFIG_HOME", configured)
    monkeypatch.setattr(sys, "platform", platform)
    assert read_settings().data_dir == Path(typer.get_app_dir("peserta"))


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, []),
        ({"KAFKA": "127.0.0.1:9092,localhost:9093"}, []),
        (ENCRYPTED, []),
        (BROKER | {"KAFKA_CA_FILE": "/run/ca.pem"}, []),  # invalid; reading the settings reports it
        (BROKER, ["Connections to Kafka at one:9092 are not encrypted: PESERTA_KAFKA_SECURITY is PLAINTEXT."]),
    ],
)
def test_a_plain_connection_to_another_machine_is_said(
    variables: dict[str, str], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(PREFIX + name, text)
    assert exposed() == said
