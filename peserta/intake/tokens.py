"""Tokens of people (SEMANTICS 10): what the book stores in place of a national id, a participant or an employee number.

A number passed to this module never leaves it: no error, no repr and no log repeats it, or the key.
"""

import base64
import hmac
import os
import re
import secrets
import stat
from hashlib import sha256
from pathlib import Path
from string import punctuation
from typing import Final

from peserta.operations.failure import Rejected
from schemas.admission import is_national_id, is_text, is_word

KEY_BYTES_MIN: Final = 32
KEY_BYTES_MAX: Final = 4_096
KEY_MODE_MAX: Final = 0o600  # readable and writable by its owner only
TOKEN_BYTES: Final = 15  # bytes of the HMAC that are used: 24 characters of base32
MARK_DIGITS: Final = 8
EMPLOYEE_LENGTH_MAX: Final = 256  # code points of an employee number

INVALID_NIK: Final = "invalid_nik"
INVALID_KPJ: Final = "invalid_kpj"
INVALID_EMPLOYEE: Final = "invalid_employee"

REASONS_OF_IDS: Final = {
    INVALID_NIK: "is no NIK: 16 digits, of which the 7th and 8th are a day (01-31, or 41-71) and the 9th and 10th a "
    "month (01-12)",
    INVALID_KPJ: "is no KPJ: 11 digits",
    INVALID_EMPLOYEE: f"is no employee number: 1 to {EMPLOYEE_LENGTH_MAX} characters, of a company whose id has 1 to "
    "64 characters and no white space",
}

_MARK_TEXT: Final = b"peserta token key"
# Blanks, dots and dashes may stand between digits. The classes do not overlap, so matching takes linear time.
_SEPARATED: Final = re.compile(r"[0-9](?:[\s.\u2010-\u2015\u2212-]*[0-9])*")
_NOT_A_DIGIT: Final = re.compile(r"[^0-9]")
_NIK: Final = re.compile(r"[0-9]{6}(?:0[1-9]|[12][0-9]|3[01]|4[1-9]|[56][0-9]|7[01])(?:0[1-9]|1[0-2])[0-9]{6}")
_KPJ: Final = re.compile(r"[0-9]{11}")


class InvalidId(ValueError):
    """A text that is not an id of its kind; `reason` is `invalid_nik`, `invalid_kpj` or `invalid_employee`."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS_OF_IDS[reason])
        self.reason = reason


class TokenKey:
    """A secret key, and the tokens that it makes."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
            raise ValueError(f"a key has {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes")
        self._key = key

    @classmethod
    def read(cls, path: Path) -> "TokenKey":
        """Read a key from a file. Raises Rejected if it is unreadable or too short, or if others may read it."""
        try:
            # O_NONBLOCK avoids waiting for the writer of a FIFO: what is not a regular file is refused below.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise Rejected(
                f"The token key {path} cannot be read: {error.strerror}. `peserta token new-key {path}` makes one."
            ) from error
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise Rejected(f"The token key {path} is no regular file: a key is a file of {KEY_BYTES_MIN} bytes.")
            if stat.S_IMODE(found.st_mode) & ~KEY_MODE_MAX:
                raise Rejected(
                    f"The token key {path} may be used by others (mode {stat.S_IMODE(found.st_mode):04o}): "
                    f"`chmod 600 {path}`, and make a new key if others may have read it."
                )
            key = os.read(descriptor, KEY_BYTES_MAX + 1)
        finally:
            os.close(descriptor)
        try:
            return cls(key)
        except ValueError as error:
            raise Rejected(
                f"The token key {path} has not {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes: "
                f"`peserta token new-key FILE` makes a key."
            ) from error

    @property
    def mark(self) -> str:
        """8 hex digits that identify the key and do not reveal it."""
        return hmac.digest(self._key, _MARK_TEXT, sha256).hex()[:MARK_DIGITS]

    def nik(self, text: str) -> str:
        """The token of a national id. Raises InvalidId with `invalid_nik`."""
        return self._token("n", f"nik:{_digits(text, _NIK, INVALID_NIK)}")

    def kpj(self, text: str) -> str:
        """The token of a participant number. Raises InvalidId with `invalid_kpj`."""
        return self._token("k", f"kpj:{_digits(text, _KPJ, INVALID_KPJ)}")

    def employee(self, company_id: str, text: str) -> str:
        """The token of a company's employee number, stripped of white space.

        Raises InvalidId with `invalid_employee`.
        """
        number = text.strip()
        if not 1 <= len(number) <= EMPLOYEE_LENGTH_MAX or not is_text(number) or not is_word(company_id):
            raise InvalidId(INVALID_EMPLOYEE)
        return self._token("e", f"employee:{company_id}:{number}")

    def _token(self, letter: str, text: str) -> str:
        digest = hmac.digest(self._key, text.encode(), sha256)[:TOKEN_BYTES]
        return letter + base64.b32encode(digest).decode().lower()


def _digits(text: str, form: re.Pattern[str], reason: str) -> str:
    """The digits of an id, without separators."""
    written = text.strip()
    digits = _NOT_A_DIGIT.sub("", written)
    if not _SEPARATED.fullmatch(written) or not form.fullmatch(digits):
        raise InvalidId(reason)
    return digits


def is_number_in_signs(worker_id: str) -> bool:
    """Whether a ready-made token is a NIK or KPJ between signs, such as the apostrophe by which a spreadsheet marks a
    text."""
    return is_national_id(worker_id.strip(punctuation))


def make_key(path: Path) -> TokenKey:
    """Create a new key in a new file with mode 0600. Raises Rejected if the file exists or cannot be created."""
    key = secrets.token_bytes(KEY_BYTES_MIN)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE_MAX)
    except FileExistsError as error:
        raise Rejected(
            f"{path} is there already and was not touched: people's tokens depend on its key. Take another name."
        ) from error
    except OSError as error:
        raise Rejected(f"{path} cannot be made: {error.strerror}.") from error
    try:
        os.write(descriptor, key)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return TokenKey(key)
