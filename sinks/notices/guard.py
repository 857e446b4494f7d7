"""The guard: notices go to public addresses, and to the hosts that the operator allows.

A subscription names a URL, and whoever may write subscriptions is not the operator of this network. So an address is
judged when a socket is made for it: by then no name, no redirect and no change of DNS can put another in its place.
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

URL_LENGTH_MAX: Final = 2_000

V4_SPECIAL: Final = (
    IPv4Network("192.0.0.0/24"),  # IETF protocol assignments
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
)
V6_UNICAST: Final = IPv6Network("2000::/3")  # all that is global unicast; ::/96 and fec0::/10 lie outside
V6_SPECIAL: Final = (
    IPv6Network("2001::/23"),  # IETF protocol assignments, Teredo among them
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
)
SIX_TO_FOUR: Final = IPv6Network("2002::/16")
NAT64: Final = IPv6Network("64:ff9b::/96")
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+", re.ASCII)

UNREADABLE: Final = "the URL cannot be read"
NOT_ALLOWED: Final = "http:// goes only to hosts that the operator allows; use https://"
NOT_PUBLIC: Final = "the receiver's address is not public, and the operator does not allow its host"


class NotPublic(OSError):
    """The address that would be connected to is not public. Its text is the same for all, and names no address."""

    def __init__(self) -> None:
        super().__init__(NOT_PUBLIC)


class WrongUrl(ValueError):
    """A URL to which nothing is sent. The text says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be asked. `is_allowed`: the operator allows its host whatever its address."""

    url: str
    host: str
    is_allowed: bool


def target(url: str, allowed_hosts: frozenset[str]) -> Target:
    """The judgement on a URL, before any name is resolved. Raises WrongUrl."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        raise WrongUrl(UNREADABLE) from None
    if len(url) > URL_LENGTH_MAX or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise WrongUrl(f"the URL is not at most {URL_LENGTH_MAX} ASCII characters without spaces")
    if scheme not in DEFAULT_PORTS or not HOST.fullmatch(host):
        raise WrongUrl("the URL is not https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise WrongUrl("the URL holds a user or password; secrets belong in files")
    host = host.rstrip(".")
    is_allowed = host in allowed_hosts or f"{host}:{port or DEFAULT_PORTS[scheme]}" in allowed_hosts
    if scheme == "http" and not is_allowed:
        raise WrongUrl(NOT_ALLOWED)
    return Target(url, host, is_allowed)


def is_public(address: str) -> bool:
    """Whether everybody on the Internet means the same machine by this address. Text that is no address is not."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return _is_public_v4(found) if isinstance(found, IPv4Address) else _is_public_v6(found)


def _is_public_v4(found: IPv4Address) -> bool:
    return found.is_global and not found.is_multicast and not any(found in network for network in V4_SPECIAL)


def _is_public_v6(found: IPv6Address) -> bool:
    inside = _v4_inside(found)
    if inside is not None:
        return _is_public_v4(inside)
    is_special = any(found in network for network in V6_SPECIAL)
    return found in V6_UNICAST and found.is_global and found.scope_id is None and not is_special


def _v4_inside(found: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that is really reached: mapped, by 6to4, or behind the well-known prefix of NAT64."""
    if found.ipv4_mapped is not None:
        return found.ipv4_mapped
    if found in SIX_TO_FOUR:
        return found.sixtofour
    return IPv4Address(int(found) & 0xFFFFFFFF) if found in NAT64 else None


AddressInfo = tuple[Any, ...]  # family, type, protocol, canonical name, socket address: as getaddrinfo gives it
Judge = Callable[[str], bool]


def guarded_socket(judge: Judge = is_public) -> Callable[[AddressInfo], socket.socket]:
    """What makes a socket for an address that the judge lets pass. It raises NotPublic for any other."""

    def make(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, where = info
        if family not in (socket.AF_INET, socket.AF_INET6) or not judge(where[0]):
            raise NotPublic
        return socket.socket(family=family, type=kind, proto=protocol)

    return make
