"""A certificate authority of a test, and what it signs."""

import datetime
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY: Final = datetime.timedelta(days=1)
LOOPBACK: Final = "127.0.0.1"
LOCALHOST: Final = "localhost"


@dataclass(frozen=True)
class Signed:
    """A certificate, its key, and both in one file, which Java wants."""

    certificate: Path
    key: Path
    both: Path

    @property
    def of_server(self) -> ssl.SSLContext:
        """How a server shows it."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """Its certificate is `ca_file`; all files are in `folder`."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _name(name)
        own = _builder(self._name, self._name, self._key, (-DAY, DAY))
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.ca_file = folder / f"{name}.pem"
        self.ca_file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def certificate(
        self, name: str, valid: tuple[datetime.timedelta, datetime.timedelta] = (-DAY, DAY), host: str = LOCALHOST
    ) -> Signed:
        """For this name, and for a server at `host` (by default, and its address too, on loopback); `valid` from and
        until, seen from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        address = [x509.IPAddress(ip_address(LOOPBACK))] if host == LOCALHOST else []
        names = x509.SubjectAlternativeName([*address, x509.DNSName(host)])
        signed = _builder(_name(name), self._name, key, valid).add_extension(names, critical=False)
        certificate = signed.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        files = Signed(*(self._folder / f"{name}{ending}" for ending in (".pem", ".key", ".both.pem")))
        for path, content in ((files.certificate, certificate), (files.key, pem), (files.both, pem + certificate)):
            path.write_bytes(content)
            path.chmod(0o600)
        return files


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    valid: tuple[datetime.timedelta, datetime.timedelta],
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + valid[0])
        .not_valid_after(now + valid[1])
    )
