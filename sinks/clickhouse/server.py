"""The ClickHouse server as its settings name it, and why an encrypted connection to it cannot be made."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from schemas.secret_file import not_accepted

OF_ADDRESS: Final = "PESERTA_CLICKHOUSE_URL"
OF_CA: Final = "PESERTA_CLICKHOUSE_CA_FILE"
# OpenSSL's reason when what answers does not speak TLS.
NO_TLS: Final = "WRONG_VERSION_NUMBER"


@dataclass(frozen=True, slots=True)
class Server:
    """`address` is host and port, without user and password; `ca_file` the CA that is trusted."""

    address: str
    ca_file: Path | None = None

    @classmethod
    def of(cls, url: str, ca_file: Path | None) -> Self:
        return cls(urlsplit(url).netloc.rpartition("@")[2], ca_file)

    def __str__(self) -> str:
        return self.address

    def fault(self, error: BaseException | None) -> str | None:
        """The sentence if the server's certificate is behind this error, or that it has none; else None.

        A restart does not help then.
        """
        while error is not None:
            # aiohttp's own errors are of these classes too, and have nothing of OpenSSL's.
            if isinstance(error, ssl.SSLCertVerificationError) and hasattr(error, "verify_code"):
                return not_accepted(f"ClickHouse at {self}", error, self.ca_file, of_address=OF_ADDRESS, of_ca=OF_CA)
            if isinstance(error, ssl.SSLError) and getattr(error, "reason", "") == NO_TLS:
                return f"ClickHouse at {self} does not speak TLS, but {OF_ADDRESS} begins with https://."
            error = error.__cause__ or error.__context__
        return None
