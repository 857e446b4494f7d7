"""Keys of the HTTP door: who may call it, and within which limits (SEMANTICS 12).

A key's secret is 32 random bytes that are shown once; its record has only their SHA-256. The records are those of
`peserta.keys.v1` (compacted, key = key id), in readable JSON: the last record of an id holds, and none is ever removed.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from schemas.admission import is_national_id, is_source, is_word
from schemas.dates import is_instant
from schemas.records import Instant
from schemas.vocabulary import KINDS

PUBLISHER: Final = "publisher"
READER: Final = "reader"
OFFICER: Final = "officer"
ADMIN: Final = "admin"
ROLES: Final = (PUBLISHER, READER, OFFICER, ADMIN)

SECRET_BYTES: Final = 32
SECRET_PREFIX: Final = "peserta_"  # scanners of repositories and logs find a secret by it
NAME_LENGTH_MAX: Final = 64  # code points
LIMITS_MAX: Final = 1_000  # companies or sources of one key


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key. `companies`, `types` and `sources` are those it is limited to; None: no limit.

    `sha256` is that of the secret as it is sent, in hex. `expires_at` is the first instant at which the key is no
    longer valid; None: never.
    """

    key_id: str
    name: str
    role: str
    sha256: str
    created_at: Instant
    companies: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    expires_at: Instant | None = None
    revoked: bool = False

    def is_valid(self, now: Instant) -> bool:
        """Whether the key may be used now."""
        return not self.revoked and (self.expires_at is None or now < self.expires_at)

    def encode(self) -> bytes:
        """The record's value."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def decode(cls, value: bytes) -> "Key":
        """Raises ValueError for bytes that are no key: a key that cannot be read opens nothing."""
        found = json.loads(value)
        if not isinstance(found, dict) or found.keys() != set(cls.__slots__):
            raise ValueError("not the fields of a key")
        for name in ("companies", "types", "sources"):
            if isinstance(found[name], list):
                found[name] = tuple(found[name])
        key = cls(**found)
        if wrong := wrong_field(key):
            raise ValueError(f"{wrong} of a key is not what it must be")
        return key


def secret_text(secret: bytes) -> str:
    """The secret as it is shown once and sent with each request."""
    return SECRET_PREFIX + base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def secret_sha256(text: str) -> str:
    """What is kept of a secret. It has 256 random bits, so that a slow hash would protect nothing more."""
    return hashlib.sha256(text.encode()).hexdigest()


# What each field must be, in words that follow its name.
RULES: Final[Mapping[str, str]] = {
    "key_id": "must be text",
    "name": f"must be text of 1 to {NAME_LENGTH_MAX} printable characters",
    "role": f"must be one of {', '.join(ROLES)}",
    "sha256": "must be 64 hex digits",
    "created_at": "must be an instant from 2000 to 2199",
    "companies": f"must be 1 to {LIMITS_MAX} company ids",
    "types": f"must be some of {', '.join(KINDS)}",
    "sources": f"must be 1 to {LIMITS_MAX} sources",
    "expires_at": "must be an instant from 2000 to 2199",
    "revoked": "must be true or false",
}


def wrong_field(key: Key) -> str | None:
    """The first field that does not keep its rule."""
    checks = {
        "key_id": is_word(key.key_id),
        "name": _is_name(key.name),
        "role": key.role in ROLES,
        "sha256": _is_sha256(key.sha256),
        "created_at": _is_instant(key.created_at),
        "companies": _is_limit(key.companies, lambda one: is_word(one) and not is_national_id(one)),
        "types": _is_limit(key.types, lambda one: one in KINDS),
        "sources": _is_limit(key.sources, is_source),
        "expires_at": key.expires_at is None or _is_instant(key.expires_at),
        "revoked": isinstance(key.revoked, bool),
    }
    return next((name for name, holds in checks.items() if not holds), None)


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and 1 <= len(name) <= NAME_LENGTH_MAX and name.isprintable()


def _is_sha256(text: Any) -> bool:
    return isinstance(text, str) and len(text) == 64 and set(text) <= set("0123456789abcdef")


def _is_instant(at: Any) -> bool:
    return type(at) is int and is_instant(at)  # in Python, true is a number


def _is_limit(values: Any, is_one: Any) -> bool:
    return values is None or (isinstance(values, tuple) and 1 <= len(values) <= LIMITS_MAX and all(map(is_one, values)))
