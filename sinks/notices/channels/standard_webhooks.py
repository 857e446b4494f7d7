"""The headers of Standard Webhooks: who sent the body, when, and that nobody has changed it."""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote

from schemas.records import Instant
from sinks.notices.retrying import SECOND_MS

PREFIX: Final = "whsec_"
KEY_BYTES_MIN: Final = 24
KEY_BYTES_MAX: Final = 64


class WrongKey(ValueError):
    """A secret is no key of Standard Webhooks; the text quotes nothing of it."""


def key_of(secret: str) -> bytes:
    """The key in a secret: base64, usually behind `whsec_`. Raises WrongKey."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise WrongKey(f"is not {PREFIX} and base64") from None
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise WrongKey(f"does not hold {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes in base64")
    return key


def webhook_id(notice_id: str) -> str:
    """The notice's id as a header holds it: in ASCII, and without the dot that separates what is signed."""
    return quote(notice_id, safe="/").replace(".", "%2E")


def headers(notice_id: str, body: bytes, keys: Iterable[bytes], now: Instant) -> Mapping[str, str]:
    """One signature for each key. Without a key there is no signature."""
    name, at = webhook_id(notice_id), str(now // SECOND_MS)
    signatures = [base64.b64encode(hmac.digest(key, f"{name}.{at}.".encode() + body, "sha256")) for key in keys]
    signed = {"webhook-signature": " ".join(f"v1,{one.decode()}" for one in signatures)} if signatures else {}
    return {"webhook-id": name, "webhook-timestamp": at, **signed}
