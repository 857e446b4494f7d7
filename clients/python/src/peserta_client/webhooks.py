"""Notices that the service sends by webhook: CloudEvents 1.0 in the body, Standard Webhooks in the headers."""

import base64
import binascii
import hmac
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from peserta_client.alerts import Alert, UnreadableAlert, alert_of

TOLERANCE_S: Final = 300  # a request that is older, or from further in the future, may be one that somebody repeats
KINDS: Final = ("firing", "resolved", "reminder", "digest", "sample")

_TYPE: Final = re.compile(r"id\.peserta\.alert\.([a-z]+)\.v1")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")
_NEWER: Final = "This cannot be read as a notice. Is there a newer client?"


class Unverified(ValueError):
    """A request that was not signed with any of the secrets, or not now. Answer 401 and believe nothing of it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a webhook says. `kind` is one of KINDS; a digest has any number of alerts, and every other kind has one.

    `notice_id` identifies it: a second request with the same id is a repeat. Of a `sample` somebody asked by hand, and
    its alert is invented. `text` says all of it to people.
    """

    notice_id: str
    kind: str
    alerts: tuple[Alert, ...]
    text: str


def verify(body: bytes, headers: Mapping[str, str], *secrets: str, at_s: float | None = None) -> Notice:
    """The notice in a request, if one of these secrets signed these very bytes.

    `headers` may have names in any case. While a secret is being changed, name the old one and the new one. `at_s` is
    the time of arrival in seconds since 1970, by default now. Raises Unverified, UnreadableAlert for a notice that this
    client does not know, and ValueError for a secret that is none. No error quotes a secret or the request.
    """
    keys = [_key(secret) for secret in secrets]
    if not keys:
        raise ValueError("Without a secret nobody can tell who has sent a request.")
    given = {name.lower(): value for name, value in headers.items()}
    name, at, signatures = (given.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    signed = _bytes(f"{name}.{at}.") + body
    expected = [b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256")) for key in keys]
    shown = [_bytes(one) for one in signatures.split()]
    if not any(hmac.compare_digest(one, each) for one in expected for each in shown):
        raise Unverified("The request has no signature by any of the secrets.")
    now_s = time.time() if at_s is None else at_s
    if not _SECONDS.fullmatch(at) or abs(now_s - int(at)) > TOLERANCE_S:
        raise Unverified(f"The request was not signed within {TOLERANCE_S} s of now. Is a clock wrong?")
    return _notice(body)


def _bytes(text: str) -> bytes:
    # Some servers give bytes of headers that are no UTF-8 as surrogates.
    return text.encode(errors="surrogatepass")


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.strip().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("A secret of a webhook is whsec_ and base64.") from None
    if not key:
        raise ValueError("A secret of a webhook is not empty.")
    return key


def _notice(body: bytes) -> Notice:
    try:
        event: Any = json.loads(body)
        kind = _TYPE.fullmatch(event["type"])
        if kind is None or kind[1] not in KINDS:
            raise UnreadableAlert(_NEWER)
        data = event["data"]
        alerts = data["alerts"] if kind[1] == "digest" else [data]
        return Notice(event["id"], kind[1], tuple(alert_of(one) for one in alerts), data["text"])
    except (KeyError, TypeError, RecursionError):
        raise UnreadableAlert(_NEWER) from None
    except UnreadableAlert:
        raise
    except ValueError:  # no JSON
        raise UnreadableAlert(_NEWER) from None
