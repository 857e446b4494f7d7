"""An access becomes the arguments of a client. Files are read when the client is made, and no text shows a secret."""

import os
import ssl
from pathlib import Path
from typing import Any, Final

import pytest

from schemas.kafka.access import KafkaAccess, WrongAccess
from schemas.kafka.client import TokenFile, client_options
from schemas.secret_file import SECRET_BYTES_MAX, SecretFault, read_secret
from tests.support.locks import Authority

WORD: Final = "a-word-nobody-sees"
SERVERS: Final = "one:9092,two:9092"

posix = pytest.mark.skipif(os.name != "posix", reason="only POSIX modes tell who may read a file")


def kept(path: Path, content: str = WORD + "\n", mode: int = 0o600) -> Path:
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.fixture
def word(tmp_path: Path) -> Path:
    return kept(tmp_path / "word")


def by_password(word: Path, **further: Any) -> KafkaAccess:
    said: dict[str, Any] = {"security": "SASL_PLAINTEXT", "mechanism": "SCRAM-SHA-512", "username": "recorder"}
    return KafkaAccess(SERVERS, **said | {"password_file": word} | further)


@pytest.mark.parametrize("brokers", [SERVERS, KafkaAccess(SERVERS)], ids=["a text", "an access"])
def test_brokers_alone_are_reached_by_a_plain_connection(brokers: KafkaAccess | str) -> None:
    assert client_options(brokers) == {"bootstrap_servers": SERVERS, "security_protocol": "PLAINTEXT"}


def test_a_password_is_read_from_its_file_each_time(word: Path) -> None:
    access = by_password(word)
    assert client_options(access)["sasl_plain_password"] == WORD
    kept(word, "another")
    assert client_options(access) == {
        "bootstrap_servers": SERVERS,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "recorder",
        "sasl_plain_password": "another",
    }


def test_no_secret_is_part_of_an_access(word: Path) -> None:
    access = by_password(word)
    client_options(access)
    assert WORD not in repr(access) + str(access)


async def test_a_token_is_read_for_each_connection(word: Path) -> None:
    access = KafkaAccess(SERVERS, "SASL_PLAINTEXT", mechanism="OAUTHBEARER", token_file=word)
    provider = client_options(access)["sasl_oauth_token_provider"]
    assert isinstance(provider, TokenFile)
    assert await provider.token() == WORD
    kept(word, "renewed")
    assert await provider.token() == "renewed"


def test_brokers_and_client_show_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.certificate("client")
    access = KafkaAccess(SERVERS, "SSL", authority.ca_file, own.certificate, own.key)
    context = client_options(access)["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize("content", ["", "\n", f"{WORD}\nsecond line", WORD * SECRET_BYTES_MAX])
def test_a_file_that_does_not_hold_a_secret_alone_is_refused(content: str, word: Path) -> None:
    with pytest.raises(SecretFault) as refused:
        read_secret(kept(word, content))
    assert str(word) in str(refused.value)
    assert WORD not in str(refused.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretFault, match=r"/nothing cannot be read: No such file"):
        read_secret(tmp_path / "nothing")


@posix
@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_a_file_that_everybody_may_read_or_write_is_refused(mode: int, word: Path) -> None:
    with pytest.raises(SecretFault, match="open to every user"):
        client_options(by_password(kept(word, mode=mode)))


@posix
def test_a_group_may_read_a_secret(word: Path) -> None:
    assert read_secret(kept(word, mode=0o640)) == WORD


def test_what_is_no_certificate_is_refused_without_being_quoted(word: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own, other = authority.certificate("client"), authority.certificate("other")
    refused = (
        ("no CA", KafkaAccess(SERVERS, "SSL", ca_file=word)),
        ("no certificate", KafkaAccess(SERVERS, "SSL", cert_file=word)),
        ("the key of another", KafkaAccess(SERVERS, "SSL", cert_file=own.certificate, key_file=other.key)),
        ("a missing key", KafkaAccess(SERVERS, "SSL", cert_file=own.certificate, key_file=tmp_path / "nothing")),
        ("a missing CA", KafkaAccess(SERVERS, "SSL", ca_file=tmp_path / "nothing")),
    )
    for what, access in refused:
        with pytest.raises(SecretFault) as error:
            client_options(access)
        assert WORD not in str(error.value), what


@posix
def test_a_key_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    own = Authority(tmp_path).certificate("client")
    own.key.chmod(0o644)
    with pytest.raises(SecretFault, match="open to every user"):
        client_options(KafkaAccess(SERVERS, "SSL", cert_file=own.certificate, key_file=own.key))


def test_an_unknown_security_is_refused() -> None:
    with pytest.raises(WrongAccess, match="must be one of"):
        KafkaAccess(SERVERS, "NONE")


@pytest.mark.parametrize(
    ("servers", "security", "is_exposed"),
    [
        ("127.0.0.1:9092", "PLAINTEXT", False),
        ("localhost:1,[::1]:2", "PLAINTEXT", False),
        ("", "PLAINTEXT", False),
        ("127.0.0.1:9092,kafka:9092", "PLAINTEXT", True),
        ("10.0.0.1:9092", "PLAINTEXT", True),
        ("kafka:9092", "SSL", False),
    ],
)
def test_a_plain_connection_to_another_machine_is_exposed(servers: str, security: str, is_exposed: bool) -> None:
    assert KafkaAccess(servers, security).is_exposed == is_exposed
