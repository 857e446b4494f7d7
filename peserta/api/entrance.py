"""Authentication and authorisation: from the headers of a request to a key that permits the act, or to a problem."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request

from peserta.api.allowances import Allowances
from peserta.api.limits import Limits
from peserta.api.metrics import ApiMetrics
from peserta.api.problems import Problem
from peserta.operations.keys_known import KnownKeys
from peserta.operations.permissions import Act, Denial, denial
from schemas.keys import SECRET_PREFIX, Key
from schemas.records import Instant

SCHEME: Final = "bearer"
SECRET_LENGTH_MAX: Final = 100  # characters
RETRY_S: Final = 2
NO_ADDRESS: Final = "unknown"


class Entrance:
    """Checks every request against the known keys, and against the limits of its key."""

    def __init__(
        self,
        known: KnownKeys,
        limits: Limits,
        metrics: ApiMetrics,
        now: Callable[[], Instant],
    ) -> None:
        self._known, self._metrics, self._now = known, metrics, now
        self._allowances = Allowances(limits, known.now_s)

    @contextmanager
    def entered(
        self, request: Request, act: Act, *, company: str | None = None, missing: Problem | None = None
    ) -> Iterator[Key]:
        """The key of a request that permits `act`; it counts against the key's limits while inside the context.

        Raises Problem if there is no such key, or if a limit is exceeded. `missing` is raised for a company that the
        key may not see: the answer about a company that does not exist.
        """
        key = self._key_of(request)
        denied = denial(key, act, company=company)
        if denied is not None and not (denied is Denial.COMPANY and missing is not None):
            raise Problem("not-allowed", denied.value)
        with self._allowances.request_of(key.key_id):
            if denied is not None and missing is not None:
                raise missing
            yield key

    def still(self, key: Key, act: Act) -> Key | None:
        """The key as it is now, if it still permits `act`; None if it does not, or if that is not known."""
        found = self._known.table.of_id(key.key_id) if self._known.are_current() else None
        if found is None or not found.is_valid(self._now()) or denial(found, act) is not None:
            return None
        return found

    def _key_of(self, request: Request) -> Key:
        secret = _secret_of(request)
        if secret is None:
            raise self._failure(request, "Send a key: `Authorization: Bearer <key>`.")
        if not self._known.are_current():
            raise Problem(
                "not-now",
                "Whether the key is valid is not known: Kafka does not answer. Try again.",
                retry_after_s=RETRY_S,
            )
        key = self._known.table.of_secret(secret)
        if key is None or not key.is_valid(self._now()):
            raise self._failure(request, "The key is not known, has expired or was revoked.")
        return key

    def _failure(self, request: Request, sentence: str) -> Problem:
        self._metrics.failure()
        self._allowances.failure_from(request.client.host if request.client else NO_ADDRESS)
        return Problem("no-key", sentence)


def _secret_of(request: Request) -> str | None:
    """The secret in the header; None if it does not have the form of one."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    text = text.strip()
    if scheme.lower() != SCHEME or not text.startswith(SECRET_PREFIX) or len(text) > SECRET_LENGTH_MAX:
        return None
    return text if text.isascii() else None
