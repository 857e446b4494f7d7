"""The settings of the channels, and their limits. The operator's part comes from the environment of the notifier."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

ATTEMPT_S: Final = 30.0  # one attempt as a whole, from resolving the name to the answer's status
ANSWER_S: Final = 2.0  # then, at most, for the rest of the answer, which nobody reads
ANSWER_BYTES_MAX: Final = 16_384  # of that rest
CONNECT_S: Final = 10.0
RETRY_AFTER_S_MAX: Final = 24 * 3_600  # a receiver that asks for more is asked again after a day

MailTls = Literal["starttls", "tls", "none"]
PORT_OF: Final[dict[MailTls, int]] = {"starttls": 587, "tls": 465, "none": 25}
LOOPBACK: Final = frozenset(("127.0.0.1", "::1", "localhost"))


class WrongChannelSettings(ValueError):
    """Settings that contradict each other; the text says which."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The server that takes the mail. `sender` is the address it comes from. `user` signs in with the secret in
    `password_file`; without one nobody signs in. Port 0 is the usual one of `tls`.

    Raises WrongChannelSettings.
    """

    host: str
    sender: str
    tls: MailTls = "starttls"
    port: int = 0
    user: str | None = None
    password_file: Path | None = None

    def __post_init__(self) -> None:
        if self.tls not in get_args(MailTls):
            raise WrongChannelSettings(f"the TLS of mail is one of {', '.join(get_args(MailTls))}")
        if self.tls == "none" and self.host not in LOOPBACK:
            raise WrongChannelSettings("mail without TLS goes only to this machine: use starttls or tls")
        if (self.user is None) != (self.password_file is None):
            raise WrongChannelSettings("a mail user and a file with the password belong together")
        local, _, domain = self.sender.rpartition("@")
        if not local or not domain or not self.sender.isprintable() or " " in self.sender:
            raise WrongChannelSettings("the sender of mail is one address, as in peserta@example.org")

    @property
    def domain(self) -> str:
        """The domain of the sender."""
        return self.sender.rpartition("@")[2]

    @property
    def used_port(self) -> int:
        return self.port or PORT_OF[self.tls]


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """`allowed_hosts`: hosts (`name` or `name:port`, lower case) that may have an address that is not public, and be
    reached by http. `ca_file`: trust this CA alone, for HTTP and mail; None: those of the operating system. The rest
    are limits.
    """

    allowed_hosts: frozenset[str] = frozenset()
    mail: MailSettings | None = None
    ca_file: Path | None = None
    attempt_s: float = ATTEMPT_S
    connect_s: float = CONNECT_S
    answer_s: float = ANSWER_S
    answer_bytes_max: int = ANSWER_BYTES_MAX
    retry_after_s_max: int = field(default=RETRY_AFTER_S_MAX)
