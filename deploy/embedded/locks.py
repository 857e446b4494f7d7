"""A cluster with encrypted connections, authenticated users and access lists (ACLs).

For tests, and for trying a book with access control. The passwords are arguments of the program that formats the data,
so any user of the machine can see them for that moment.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

MECHANISM: Final = "SCRAM-SHA-512"
MECHANISMS: Final = (MECHANISM, "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER")
LISTENER: Final = "listener.name.client"
MODULES: Final = "org.apache.kafka.common.security"
# The controllers' listener has no authentication; it is on loopback and serves brokers only.
OF_CONTROLLERS: Final = "ANONYMOUS"


@dataclass(frozen=True)
class CertificateLocks:
    """Mutual TLS: without a certificate that `ca_file` (PEM) vouches for, nobody connects. Its name is the user.

    Brokers present `key_and_certificate` (PEM, in this order). It is issued to `CN=<admin>`, who may do everything.
    """

    ca_file: Path
    key_and_certificate: Path
    admin: str

    def properties(self) -> dict[str, str]:
        """The properties that these locks add to a node's."""
        return _encrypted("SSL", self.ca_file, self.key_and_certificate, "required") | _access_lists(f"CN={self.admin}")

    def format_arguments(self) -> list[str]:
        """The format program creates no users: a certificate is all that a user has."""
        return []

    def client_options(self) -> dict[str, Any]:
        """The arguments with which a client of aiokafka connects as the admin."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.load_cert_chain(self.key_and_certificate)
        return {"security_protocol": "SSL", "ssl_context": context}


@dataclass(frozen=True)
class PasswordLocks:
    """Certificates and users. `ca_file` (PEM) is trusted; brokers present `key_and_certificate` (PEM, in this order).

    `users` is name -> password. The user `admin` may do everything, and brokers authenticate to each other as `admin`.
    """

    ca_file: Path
    key_and_certificate: Path
    users: Mapping[str, str] = field(repr=False)
    admin: str = "admin"

    def properties(self) -> dict[str, str]:
        """The properties that these locks add to a node's."""
        return (
            _encrypted("SASL_SSL", self.ca_file, self.key_and_certificate, "requested")
            | _access_lists(self.admin)
            | self._sasl()
        )

    def _sasl(self) -> dict[str, str]:
        plain = "".join(f' user_{name}="{password}"' for name, password in self.users.items())
        own = f'username="{self.admin}" password="{self.users[self.admin]}"'
        return {
            "sasl.enabled.mechanisms": ",".join(MECHANISMS),
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            f"{LISTENER}.scram-sha-512.sasl.jaas.config": f"{MODULES}.scram.ScramLoginModule required {own};",
            f"{LISTENER}.scram-sha-256.sasl.jaas.config": f"{MODULES}.scram.ScramLoginModule required {own};",
            f"{LISTENER}.plain.sasl.jaas.config": f"{MODULES}.plain.PlainLoginModule required {own}{plain};",
            # Accepts unsigned tokens: Kafka's own module for development.
            f"{LISTENER}.oauthbearer.sasl.jaas.config": f"{MODULES}.oauthbearer.OAuthBearerLoginModule required "
            f'unsecuredLoginStringClaim_sub="{self.admin}";',
        }

    def format_arguments(self) -> list[str]:
        """The arguments of the format program that create the users."""
        return [
            argument
            for mechanism in (MECHANISM, "SCRAM-SHA-256")
            for name, password in self.users.items()
            for argument in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
        ]

    def client_options(self) -> dict[str, Any]:
        """The arguments with which a client of aiokafka connects as the admin."""
        return {
            "security_protocol": "SASL_SSL",
            "ssl_context": ssl.create_default_context(cafile=self.ca_file),
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": self.admin,
            "sasl_plain_password": self.users[self.admin],
        }


Locks = CertificateLocks | PasswordLocks


def _encrypted(protocol: str, ca_file: Path, key_and_certificate: Path, client_auth: str) -> dict[str, str]:
    return {
        "listener.security.protocol.map": f"CLIENT:{protocol},CONTROLLER:PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(key_and_certificate),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(ca_file),
        f"{LISTENER}.ssl.client.auth": client_auth,
    }


def _access_lists(admin: str) -> dict[str, str]:
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{admin};User:{OF_CONTROLLERS}",
    }
