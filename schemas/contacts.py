"""Contacts: whom to ask about a company, and who is told of its alerts (SEMANTICS 6 and 13).

The registry has contacts, the journal has none: only the delivery of alerts uses them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ADDRESS_LENGTH_MAX: Final = 254  # RFC 5321: a path of 256 with its brackets
PHONE_LENGTH_MAX: Final = 64
CONTACT_LANGUAGES: Final = ("id", "en")

_ADDRESS: Final = re.compile(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+\.[^@\s<>,;:\".]+")


@dataclass(frozen=True, slots=True)
class Contact:
    """A person of a company's compliance team. `since` is the first date on which it counts, in days since 1970; None:
    always. `language` is that in which the person is written to."""

    name: str
    role: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    since: int | None = None


def is_address(text: str) -> bool:
    """Whether the text has the outward form of one e-mail address. Files of people are checked more strictly."""
    return len(text) <= ADDRESS_LENGTH_MAX and text.isprintable() and _ADDRESS.fullmatch(text) is not None


def addresses_of(plain: Iterable[str], team: Iterable[Contact], on: int) -> tuple[str, ...]:
    """The e-mail addresses of a company's contacts on a date, each once: the team's, then plain texts that are one."""
    found = [one.email for one in team if one.email is not None and (one.since is None or one.since <= on)]
    return tuple(dict.fromkeys((*found, *(text for text in plain if is_address(text)))))
