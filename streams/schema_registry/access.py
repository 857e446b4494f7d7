"""Where the schema registry is and how a client shows who it is; a value without a secret."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from schemas.kafka.access import is_loopback


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """`url` is the address below which Confluent's paths begin, without a user. `password_file` holds the password of
    `username`. Without `ca_file` the certificates of the operating system are trusted."""

    url: str
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None

    def __str__(self) -> str:
        return self.url

    def __bool__(self) -> bool:
        return bool(self.url)

    @property
    def is_exposed(self) -> bool:
        """Whether a password goes to another machine without encryption."""
        parts = urlsplit(self.url)
        return self.username is not None and parts.scheme == "http" and not is_loopback(parts.hostname or "")
