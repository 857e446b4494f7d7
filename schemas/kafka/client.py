"""An access as the arguments of a client of aiokafka; its files are read each time a client is made."""

import ssl
from pathlib import Path
from typing import Any

from aiokafka.abc import AbstractTokenProvider  # type: ignore[import-untyped]

from schemas.kafka.access import ENCRYPTED, WITH_SASL, Brokers, KafkaAccess, access_of
from schemas.kafka.header_names import read_any_header_name
from schemas.secret_file import SecretFault, check_is_private, read_secret, ssl_context_of, unreadable


def client_options(brokers: Brokers) -> dict[str, Any]:
    """The arguments with which a client of aiokafka reaches the brokers as this access says: hand all of them over.

    Reads the files now. Raises SecretFault for one that is missing, empty, open to every user, or no certificate. From
    the first call on, the consumers of this process read records with any names of headers.
    """
    read_any_header_name()
    access = access_of(brokers)
    options: dict[str, Any] = {"bootstrap_servers": access.servers, "security_protocol": access.security}
    if access.security in ENCRYPTED:
        options["ssl_context"] = _ssl_context(access)
    if access.security in WITH_SASL:
        options["sasl_mechanism"] = access.mechanism
    if access.token_file is not None:
        options["sasl_oauth_token_provider"] = TokenFile(access.token_file)
    if access.password_file is not None:
        options["sasl_plain_username"] = access.username
        options["sasl_plain_password"] = read_secret(access.password_file)
    return options


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]
    """The token of OAUTHBEARER, read for each connection: whoever renews the file renews the token."""

    def __init__(self, path: Path) -> None:
        """Raises SecretFault when there is no token now."""
        self._path = path
        read_secret(path)

    async def token(self) -> str:
        """Raises SecretFault."""
        return read_secret(self._path)


def _ssl_context(access: KafkaAccess) -> ssl.SSLContext:
    context = ssl_context_of(access.ca_file)
    if access.cert_file is None:
        return context
    key = access.key_file or access.cert_file
    try:
        check_is_private(key, key.stat().st_mode)
        # A callable, so that OpenSSL does not ask a terminal for the key's password.
        context.load_cert_chain(access.cert_file, access.key_file, password=lambda: "")
    except ssl.SSLError:
        raise SecretFault(
            f"{access.cert_file} and {key} are no certificate and its key in PEM form without a password"
        ) from None
    except SecretFault:
        raise
    except OSError as error:
        raise unreadable(key, error) from None
    return context
