"""Where the brokers are and how a client shows who it is: one value, from which every client of Kafka is made.

The value holds names of files and no secret, so it may be shown, compared and handed to a child process.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

PLAINTEXT: Final = "PLAINTEXT"
SSL: Final = "SSL"
SASL_PLAINTEXT: Final = "SASL_PLAINTEXT"
SASL_SSL: Final = "SASL_SSL"
PROTOCOLS: Final = (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL)
ENCRYPTED: Final = frozenset((SSL, SASL_SSL))
WITH_SASL: Final = frozenset((SASL_PLAINTEXT, SASL_SSL))
OAUTHBEARER: Final = "OAUTHBEARER"
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", OAUTHBEARER)
LOCALHOST: Final = "localhost"


class WrongAccess(ValueError):
    """These values do not make a connection; `field` is the one to change, the text says how."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """Brokers (`host:port`, or several with commas), and what a client of theirs needs. Raises WrongAccess.

    Without `ca_file` the certificates of the operating system are trusted. `cert_file` and `key_file` (PEM) are the
    client's own certificate; `key_file` may be missing when `cert_file` holds the key too. The files of secrets hold
    the secret alone; one line break at the end does not count.
    """

    servers: str
    security: str = PLAINTEXT
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    mechanism: str | None = None
    username: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None

    def __post_init__(self) -> None:
        if self.security not in PROTOCOLS:
            raise WrongAccess("security", f"must be one of {', '.join(PROTOCOLS)}")
        self._check_encryption()
        self._check_sasl()

    def __str__(self) -> str:
        return self.servers

    def __bool__(self) -> bool:
        return bool(self.servers)

    @property
    def is_exposed(self) -> bool:
        """Whether the connection is not encrypted although a broker is on another machine."""
        return self.security not in ENCRYPTED and not all(map(_on_loopback, filter(None, self.servers.split(","))))

    def _check_encryption(self) -> None:
        files = {"ca_file": self.ca_file, "cert_file": self.cert_file, "key_file": self.key_file}
        for field, path in files.items():
            if path is not None and self.security not in ENCRYPTED:
                raise WrongAccess(field, f"is set, but a {self.security} connection is not encrypted")
        if self.key_file is not None and self.cert_file is None:
            raise WrongAccess("cert_file", "is not set, although a key is: name the certificate that belongs to it")

    def _check_sasl(self) -> None:
        said = {
            "mechanism": self.mechanism,
            "username": self.username,
            "password_file": self.password_file,
            "token_file": self.token_file,
        }
        if self.security not in WITH_SASL:
            wanted: tuple[str, ...] = ()
        elif self.mechanism is None:
            raise WrongAccess("mechanism", f"is not set; {self.security} needs one of {', '.join(MECHANISMS)}")
        elif self.mechanism not in MECHANISMS:
            raise WrongAccess("mechanism", f"must be one of {', '.join(MECHANISMS)}")
        else:
            wanted = ("token_file",) if self.mechanism == OAUTHBEARER else ("username", "password_file")
        way = f"{self.security} with {self.mechanism}" if self.mechanism and wanted else self.security
        for field, value in said.items():
            if value is not None and field not in wanted and not (field == "mechanism" and wanted):
                raise WrongAccess(field, f"is set, but a connection by {way} does not use it")
            if value is None and field in wanted:
                raise WrongAccess(field, f"is not set; a connection by {way} needs it")


# A text means: these brokers, by a plain connection.
Brokers = KafkaAccess | str


def access_of(brokers: Brokers) -> KafkaAccess:
    """The access itself."""
    return brokers if isinstance(brokers, KafkaAccess) else KafkaAccess(brokers)


def _on_loopback(server: str) -> bool:
    return is_loopback(server.strip().rpartition(":")[0].strip("[]"))


def is_loopback(host: str) -> bool:
    """Whether a host's name or address can only be this machine."""
    try:
        return host == LOCALHOST or ip_address(host).is_loopback
    except ValueError:
        return False
