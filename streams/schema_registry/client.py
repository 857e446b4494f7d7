"""The calls of Confluent's schema registry interface that are used here, by HTTP.

`confluent-kafka` would bring librdkafka and a second HTTP client; aiohttp is installed with Faust.
"""

import json
from types import TracebackType
from typing import Any, Final, NoReturn, Self
from urllib.parse import quote

import aiohttp

from schemas.secret_file import read_secret, ssl_context_of
from streams.lane.stop import LaneFault, Refused
from streams.schema_registry.access import RegistryAccess

ANSWER_LIMIT_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 4 << 20
CHUNK_BYTES: Final = 1 << 16
REASON_LENGTH_MAX: Final = 300  # characters of a registry's own words that are shown
MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"
# Error codes of a registry that has no such subject, version, schema or setting. Another 404 comes from something else.
ABSENT: Final = frozenset((40401, 40402, 40403, 40408))
TURNED_AWAY: Final = frozenset((401, 403))
DECLINED: Final = frozenset((409, 422))


class RegistryAway(LaneFault):
    """The registry does not answer, or answers what no registry answers. Trying again may help."""


class RegistryRefuses(Refused):
    """The registry does not accept this client, or its certificate is not accepted."""


class Declined(Exception):
    """The registry does not take a schema or a setting; the text is its reason."""


class RegistryClient:
    """A connection to a registry, for `async with`. Each call raises RegistryAway or RegistryRefuses."""

    def __init__(self, access: RegistryAccess) -> None:
        self._access = access
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Reads the password and the CA. Raises SecretFault."""
        access, headers = self._access, {"Accept": f"{MEDIA_TYPE}, application/json"}
        if access.username is not None and access.password_file is not None:
            password = read_secret(access.password_file)
            headers["Authorization"] = aiohttp.encode_basic_auth(access.username, password, "utf-8")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=ssl_context_of(access.ca_file)),
            timeout=aiohttp.ClientTimeout(total=ANSWER_LIMIT_S),
            headers=headers,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def schema(self, schema_id: int) -> str | None:
        """The text of the schema with this id; None if the registry has none."""
        answer = await self._ask("GET", f"schemas/ids/{schema_id}")
        return None if answer is None else self._field(answer, "schema", str)

    async def find(self, subject: str, schema: str) -> int | None:
        """The id of a schema among the versions of a subject; None if it is not there."""
        answer = await self._ask("POST", f"subjects/{_quoted(subject)}", {"schema": schema})
        return None if answer is None else int(self._field(answer, "id", int))

    async def register(self, subject: str, schema: str) -> int:
        """Make the schema the newest version of the subject, if it is not there, and return its id. Raises Declined."""
        answer = await self._ask("POST", f"subjects/{_quoted(subject)}/versions", {"schema": schema})
        if answer is None:
            raise self._no_registry()
        return int(self._field(answer, "id", int))

    async def incompatibility(self, subject: str, schema: str) -> str | None:
        """Why the subject's rule would not let it have this schema; None if it would. Raises Declined."""
        path = f"compatibility/subjects/{_quoted(subject)}/versions?verbose=true"
        answer = await self._ask("POST", path, {"schema": schema})
        if answer is None or self._field(answer, "is_compatible", bool):
            return None
        messages = answer.get("messages")
        return _shown("; ".join(map(str, messages)) if isinstance(messages, list) else "")

    async def compatibility(self, subject: str) -> str | None:
        """The subject's own level of compatibility; None if it has none."""
        answer = await self._ask("GET", f"config/{_quoted(subject)}")
        return None if answer is None else self._field(answer, "compatibilityLevel", str)

    async def set_compatibility(self, subject: str, level: str) -> None:
        """Give the subject a level of compatibility. Raises Declined."""
        if await self._ask("PUT", f"config/{_quoted(subject)}", {"compatibility": level}) is None:
            raise self._no_registry()

    async def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any] | None:
        """The answer's JSON object; None when the registry has no such thing."""
        try:
            status, text = await self._exchange(method, path, body)
        except aiohttp.ClientConnectorCertificateError as error:
            raise RegistryRefuses(
                f"the schema registry at {self._access} shows a certificate that is not accepted: "
                f"{getattr(error.certificate_error, 'verify_message', '') or error.certificate_error}"
            ) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RegistryAway(f"no schema registry at {self._access}: {type(error).__name__}") from error
        if status in TURNED_AWAY:
            self._turned_away(status)
        answer = _object(text)
        if status == 404 and answer is not None and answer.get("error_code") in ABSENT:
            return None
        if status in DECLINED and answer is not None:
            raise Declined(_shown(str(answer.get("message", ""))))
        if status != 200 or answer is None:
            raise self._no_registry(status)
        return answer

    async def _exchange(self, method: str, path: str, body: dict[str, str] | None) -> tuple[int, bytes]:
        if self._session is None:
            raise RegistryAway("a call outside the connection")
        url = f"{self._access.url.rstrip('/')}/{path}"
        headers = {} if body is None else {"Content-Type": MEDIA_TYPE}
        content = None if body is None else json.dumps(body).encode()
        async with self._session.request(method, url, data=content, headers=headers, allow_redirects=False) as said:
            text = bytearray()
            async for chunk in said.content.iter_chunked(CHUNK_BYTES):
                text += chunk
                if len(text) > ANSWER_BYTES_MAX:
                    raise self._no_registry(said.status)
            return said.status, bytes(text)

    def _turned_away(self, status: int) -> NoReturn:
        user = "this client without a user" if self._access.username is None else f"the user {self._access.username}"
        remedy = "see PESERTA_SCHEMA_REGISTRY_URL and PESERTA_SCHEMA_REGISTRY_PASSWORD_FILE"
        raise RegistryRefuses(f"the schema registry at {self._access} does not accept {user} ({status}): {remedy}")

    def _no_registry(self, status: int = 200) -> RegistryAway:
        """The fault for an answer that no registry gives, a proxy's 404 among them."""
        return RegistryAway(f"what answers at {self._access} is no schema registry at work (HTTP {status})")

    def _field(self, answer: dict[str, Any], name: str, kind: type[Any]) -> Any:
        value = answer.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self._no_registry()
        return value


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _quoted(subject: str) -> str:
    return quote(subject, safe="")


def _shown(reason: str) -> str:
    words = " ".join(reason.split()) or "the registry gives no reason"
    return words if len(words) <= REASON_LENGTH_MAX else f"{words[:REASON_LENGTH_MAX]}..."
