"""A Kafka with locks for some tests of a module: users with passwords, of whom each may do what a test grants."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from deploy.embedded.kafka import Kafka
from deploy.embedded.locks import MECHANISM, Locks
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
        shown = authority.certificate("kafka")
        words = {user: word(user) for user in (ADMIN, *users)}
        return cls(
            Kafka.launch(folder / "kafka", locks=Locks(authority.ca_file, shown.both, words, ADMIN)), authority, folder
        )

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

    def access(self, user: str) -> KafkaAccess:
        return KafkaAccess(self.kafka.address, **self.fields(user))

    def settings(self, user: str, **settings: Any) -> Settings:
        """The settings of an installation on this broker, as this user."""
        own = {f"kafka_{name}": value for name, value in self.fields(user).items()}
        return read_settings(**{"kafka": self.kafka.address} | own | settings)
