"""Tokens of people (SEMANTICS 10): what is sent in place of a national id, a participant or an employee number.

No error and no repr repeats a number or the key.
"""

import base64
import hmac
import os
import re
import secrets
import stat
from hashlib import sha256
from pathlib import Path
from typing import Final

from peserta_client.rules import is_word

KEY_BYTES_MIN: Final = 32
KEY_BYTES_MAX: Final = 4_096
KEY_MODE_MAX: Final = 0o600  # readable and writable by its owner only
TOKEN_BYTES: Final = 15  # bytes of the HMAC that are used: 24 characters of base32
MARK_DIGITS: Final = 8
EMPLOYEE_LENGTH_MAX: Final = 256  # code points of an employee number

_MARK_TEXT: Final = b"peserta token key"
# Blanks, dots and dashes may stand between digits. The classes do not overlap, so matching takes linear time.
_SEPARATED: Final = re.compile(r"[0-9](?:[\s.\u2010-\u2015\u2212-]*[0-9])*")
_NOT_A_DIGIT: Final = re.compile(r"[^0-9]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_NIK: Final = re.compile(r"[0-9]{6}(?:0[1-9]|[12][0-9]|3[01]|4[1-9]|[56][0-9]|7[01])(?:0[1-9]|1[0-2])[0-9]{6}")
_KPJ: Final = re.compile(r"[0-9]{11}")

_NIK_WORDS: Final = (
    "is no NIK: 16 digits, of which the 7th and 8th are a day (01-31, or 41-71) and the 9th and 10th a month (01-12)"
)
_EMPLOYEE_WORDS: Final = (
    f"is no employee number: 1 to {EMPLOYEE_LENGTH_MAX} characters, of a company whose id has 1 to 64 characters and "
    "no white space"
)


class InvalidId(ValueError):
    """A text that is not an id of its kind; `reason` is `invalid_nik`, `invalid_kpj` or `invalid_employee`."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


class UnusableKey(ValueError):
    """A key file that cannot be read or created, that others may use, or that is too short."""


class TokenKey:
    """A secret key, and the tokens that it makes. Keep it safe: another key makes other tokens for the same people."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
            raise UnusableKey(f"A token key has {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes.")
        self._key = bytes(key)

    @classmethod
    def read(cls, path: str | Path) -> "TokenKey":
        """Read a key from a file. Raises UnusableKey if it is unreadable or too short, or if others may use it."""
        try:
            # O_NONBLOCK avoids waiting for the writer of a FIFO: what is not a regular file is refused below.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            raise UnusableKey(f"The token key {path} cannot be read: {error.strerror}.") from error
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise UnusableKey(f"The token key {path} is no regular file.")
            if stat.S_IMODE(mode) & ~KEY_MODE_MAX:
                raise UnusableKey(
                    f"The token key {path} may be used by others (mode {stat.S_IMODE(mode):04o}): `chmod 600 {path}`, "
                    "and make a new key if others may have read it."
                )
            return cls(os.read(descriptor, KEY_BYTES_MAX + 1))
        finally:
            os.close(descriptor)

    @property
    def mark(self) -> str:
        """8 hex digits that identify the key and do not reveal it."""
        return hmac.digest(self._key, _MARK_TEXT, sha256).hex()[:MARK_DIGITS]

    def nik(self, text: str) -> str:
        """The token of a national id. Raises InvalidId with `invalid_nik`."""
        return self._token("n", f"nik:{_digits(text, _NIK, 'invalid_nik', _NIK_WORDS)}")

    def kpj(self, text: str) -> str:
        """The token of a participant number. Raises InvalidId with `invalid_kpj`."""
        return self._token("k", f"kpj:{_digits(text, _KPJ, 'invalid_kpj', 'is no KPJ: 11 digits')}")

    def employee(self, company_id: str, text: str) -> str:
        """The token of a company's employee number, stripped of white space.

        Raises InvalidId with `invalid_employee`.
        """
        number = text.strip()
        well_formed = 1 <= len(number) <= EMPLOYEE_LENGTH_MAX and not _SURROGATE.search(number)
        if not well_formed or not is_word(company_id):
            raise InvalidId("invalid_employee", _EMPLOYEE_WORDS)
        return self._token("e", f"employee:{company_id}:{number}")

    def _token(self, letter: str, text: str) -> str:
        digest = hmac.digest(self._key, text.encode(), sha256)[:TOKEN_BYTES]
        return letter + base64.b32encode(digest).decode().lower()


def make_key(path: str | Path) -> TokenKey:
    """Create a new key in a new file with mode 0600. Raises UnusableKey if the file exists or cannot be created."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE_MAX)
    except OSError as error:
        raise UnusableKey(f"{path} cannot be made: {error.strerror}. A key is never written over another.") from error
    key = secrets.token_bytes(KEY_BYTES_MIN)
    try:
        os.write(descriptor, key)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return TokenKey(key)


def _digits(text: str, form: "re.Pattern[str]", reason: str, words: str) -> str:
    """The digits of an id, without separators."""
    written = text.strip()
    digits = _NOT_A_DIGIT.sub("", written)
    if not _SEPARATED.fullmatch(written) or not form.fullmatch(digits):
        raise InvalidId(reason, words)
    return digits
