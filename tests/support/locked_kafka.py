"""Kafkas with locks for the tests of a module: users with passwords or certificates, who may do what a test grants."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from deploy.embedded.kafka import Kafka
from deploy.embedded.locks import MECHANISM, CertificateLocks, PasswordLocks
from peserta.operations.access_rights import PRINCIPAL_KIND
from peserta.settings import Settings, read_settings
from schemas.kafka.access import KafkaAccess
from tests.support.locks import Authority

ADMIN: Final = "admin"


def word(user: str) -> str:
    """The password of a user; nothing else in a test looks like it."""
    return f"{user}-Xq7-password"


@dataclass(frozen=True)
class LockedKafka:
    """A running broker, the authority behind its certificate, and a folder for files of secrets."""

    kafka: Kafka
    authority: Authority
    folder: Path

    @classmethod
    def launch(cls, folder: Path, *users: str) -> Self:
        authority = Authority(folder / "certificates")
        return cls(Kafka.launch(folder / "kafka", locks=locks_of(authority, *users)), authority, folder)

    def secret(self, name: str, content: str) -> Path:
        """A file that holds this, for its owner alone."""
        path = self.folder / name
        path.touch(0o600)
        path.write_text(content, encoding="utf-8")
        return path

    def fields(self, user: str) -> dict[str, Any]:
        """What a KafkaAccess of this user has besides the brokers."""
        return {
            "security": "SASL_SSL",
            "ca_file": self.authority.ca_file,
            "mechanism": MECHANISM,
            "username": user,
            "password_file": self.secret(f"{user}.password", word(user)),
        }

    def principal(self, user: str) -> str:
        """The user as access lists name it."""
        return PRINCIPAL_KIND + user

    def access(self, user: str) -> KafkaAccess:
        return KafkaAccess(self.kafka.address, **self.fields(user))

    def settings(self, user: str, **settings: Any) -> Settings:
        """The settings of an installation on this broker, as this user."""
        own = {f"kafka_{name}": value for name, value in self.fields(user).items()}
        return read_settings(**{"kafka": self.kafka.address} | own | settings)


def locks_of(authority: Authority, *users: str) -> PasswordLocks:
    """Locks for these users, each with the password `word(user)`, and for ADMIN."""
    words = {user: word(user) for user in (ADMIN, *users)}
    return PasswordLocks(authority.ca_file, authority.certificate("kafka").both, words, ADMIN)


class CertifiedKafka(LockedKafka):
    """The same with certificates alone: any user that the authority makes a certificate for may connect."""

    @classmethod
    def launch(cls, folder: Path, *users: str) -> Self:
        authority = Authority(folder / "certificates")
        locks = CertificateLocks(authority.ca_file, authority.certificate(ADMIN).both, ADMIN)
        return cls(Kafka.launch(folder / "kafka", locks=locks), authority, folder)

    def fields(self, user: str) -> dict[str, Any]:
        shown = self.authority.certificate(user)
        return {
            "security": "SSL",
            "ca_file": self.authority.ca_file,
            "cert_file": shown.certificate,
            "key_file": shown.key,
        }

    def principal(self, user: str) -> str:
        return f"{PRINCIPAL_KIND}CN={user}"
