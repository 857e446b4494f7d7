"""Files that hold a secret or a certificate: read when a connection is made, and never quoted."""

import os
import ssl
import stat
from pathlib import Path
from typing import Final

SECRET_BYTES_MAX: Final = 1 << 16
EXPIRED: Final = 10  # OpenSSL's codes of why a certificate is not accepted
OF_ANOTHER_HOST: Final = frozenset((62, 64))  # by its name, by its address


class SecretFault(OSError):
    """A file with a secret or a certificate cannot be used; the text names the file and quotes nothing of it."""


def read_secret(path: Path) -> str:
    """The secret in a file, which holds it alone; one line break at the end does not count.

    Raises SecretFault for a file that is missing, empty, too long, or open to every user of the machine.
    """
    try:
        with path.open("rb") as file:
            check_is_private(path, os.fstat(file.fileno()).st_mode)
            content = file.read(SECRET_BYTES_MAX + 1)
    except SecretFault:
        raise
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        secret = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretFault(f"{path} is not UTF-8 text") from None
    if not secret or len(content) > SECRET_BYTES_MAX or "\n" in secret:
        raise SecretFault(f"{path} must hold the secret alone, in one line of at most {SECRET_BYTES_MAX} bytes")
    return secret


def check_is_private(path: Path, mode: int) -> None:
    """Raises SecretFault when every user of the machine may read or write the file; only POSIX modes tell.

    A group may read it: that is how Kubernetes gives a secret to a process that is not root.
    """
    if os.name == "posix" and mode & (stat.S_IROTH | stat.S_IWOTH):
        raise SecretFault(f"{path} is open to every user of this machine: chmod o-rw {path}")


def ssl_context_of(ca_file: Path | None) -> ssl.SSLContext:
    """Trusts this CA alone, or those of the operating system; checks host names. Raises SecretFault."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise SecretFault(f"{ca_file} holds no certificate in PEM form") from None
    except OSError as error:
        raise unreadable(ca_file, error) from None


def not_accepted(
    server: str, error: ssl.SSLCertVerificationError, ca_file: Path | None, *, of_address: str, of_ca: str
) -> str:
    """What is wrong with the certificate that a server shows, and what to do: two sentences.

    `of_address` and `of_ca` are the settings of the server's address and of `ca_file`.
    """
    if error.verify_code == EXPIRED:
        remedy = "It needs a new one"
    elif error.verify_code in OF_ANOTHER_HOST:
        remedy = f"{of_address} must name the server as its certificate does"
    else:
        remedy = f"{of_ca} names the CA to trust, now {ca_file or 'those of the operating system'}"
    return f"{server} shows a certificate that is not accepted: {error.verify_message.rstrip('.')}. {remedy}."


def unreadable(path: Path | None, error: OSError) -> SecretFault:
    """The fault for a file that the operating system does not give."""
    return SecretFault(f"{path} cannot be read: {error.strerror or type(error).__name__}")
