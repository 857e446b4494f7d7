"""Addresses of HTTP services as settings; that of a schema registry has its password in a file."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from streams.schema_registry.access import RegistryAccess


def is_http_address(value: str) -> bool:
    """Whether a value is http[s]://host, with more or without, or empty for none."""
    try:
        parts = urlsplit(value)
        well_formed = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return not value or (bool(well_formed) and "#" not in value)


def checked_registry_url(value: str) -> str:
    """The address, empty for none. Raises ValueError, which does not repeat it: it may hold a password."""
    parts = urlsplit(value) if is_http_address(value) else None
    if parts is None or parts.query or parts.password is not None:
        raise ValueError("write http[s]://[user@]host[:port][/path]; the password belongs in a file")
    return value


def fault_of_file(field: str, value: Path | None, url: str) -> str:
    """What is wrong with one of the files beside this address, with `{url}` for its variable; empty for nothing."""
    parts = urlsplit(url)
    if field == "schema_registry_ca_file":
        return "is set, but {url} does not begin with https://" if value and parts.scheme != "https" else ""
    if (value is None) == (parts.username is None):
        return ""
    return (
        "is not set, but {url} names a user" if value is None else "is set, but {url} names no user: https://user@host"
    )


def registry_access(url: str, password_file: Path | None, ca_file: Path | None) -> RegistryAccess:
    """The access to the registry at this address."""
    parts = urlsplit(url)
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return RegistryAccess(place, None if parts.username is None else unquote(parts.username), password_file, ca_file)
