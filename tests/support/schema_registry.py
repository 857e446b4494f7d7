"""A schema registry in memory, and on loopback: the calls of Confluent's interface that Peserta makes."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from schemas.wire import wire_form
from streams.schema_registry.access import RegistryAccess
from streams.schema_registry.client import RegistryAway
from tests.support.schema_compatibility import problems

NO_SUBJECT: Final = (404, {"error_code": 40401, "message": "Subject not found"})
NO_SCHEMA: Final = (404, {"error_code": 40403, "message": "Schema not found"})
NO_LEVEL: Final = (404, {"error_code": 40408, "message": "Subject has no level of compatibility"})
NO_CALL: Final = (404, {"message": "HTTP 404 Not Found"})
WRONG_SCHEMA: Final = (422, {"error_code": 42201, "message": "Invalid schema"})
INCOMPATIBLE: Final = 409
CHECKED: Final = ("FULL", "FULL_TRANSITIVE")

Answer = tuple[int, dict[str, Any]]


class RegistryInMemory:
    """Gives ids from `first_id` on; the same text has the same id in every subject. It is its own client, for
    `streams.schema_registry.ids`: its next `absences` connections fail. `asked` has method and path of each call."""

    def __init__(self, first_id: int = 1) -> None:
        self.schemas: dict[int, str] = {}
        self.versions: dict[str, list[int]] = {}
        self.levels: dict[str, str] = {}
        self.asked: list[str] = []
        self.absences = 0
        self._next_id = first_id
        self._lock = threading.Lock()

    async def __aenter__(self) -> Self:
        if self.absences:
            self.absences -= 1
            raise RegistryAway("away")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""

    async def find(self, subject: str, schema: str) -> int | None:
        status, answer = self.answer("POST", f"/subjects/{subject}", {"schema": schema})
        return int(answer["id"]) if status == 200 else None

    async def schema(self, schema_id: int) -> str | None:
        status, answer = self.answer("GET", f"/schemas/ids/{schema_id}", {})
        return str(answer["schema"]) if status == 200 else None

    def give(self, schema: str, subject: str = "elsewhere") -> int:
        """Register a schema unchecked, and return its id."""
        with self._lock:
            known = next((number for number, text in self.schemas.items() if text == schema), None)
            if known is None:
                known, self._next_id = self._next_id, self._next_id + 1
                self.schemas[known] = schema
            if known not in self.versions.setdefault(subject, []):
                self.versions[subject].append(known)
            return known

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        """Status and JSON for a call."""
        self.asked.append(f"{method} {path}")
        match method, [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]:
            case "GET", ["schemas", "ids", number]:
                text = self.schemas.get(int(number))
                return NO_SCHEMA if text is None else (200, {"schema": text})
            case "POST", ["subjects", subject]:
                return self._found(subject, body["schema"])
            case "POST", ["subjects", subject, "versions"]:
                return self._registered(subject, body["schema"])
            case "POST", ["compatibility", "subjects", subject, "versions"]:
                found = self._problems(subject, body["schema"])
                return 200, {"is_compatible": not found, "messages": found}
            case "GET", ["config", subject]:
                level = self.levels.get(subject)
                return NO_LEVEL if level is None else (200, {"compatibilityLevel": level})
            case "PUT", ["config", subject]:
                self.levels[subject] = body["compatibility"]
                return 200, body
        return NO_CALL

    def _found(self, subject: str, schema: str) -> Answer:
        if subject not in self.versions:
            return NO_SUBJECT
        for version, number in enumerate(self.versions[subject], 1):
            if self.schemas[number] == schema:
                return 200, {"subject": subject, "id": number, "version": version, "schema": schema}
        return NO_SCHEMA

    def _registered(self, subject: str, schema: str) -> Answer:
        if wire_form(schema) is None:
            return WRONG_SCHEMA
        if found := self._problems(subject, schema):
            return INCOMPATIBLE, {"error_code": INCOMPATIBLE, "message": found[0]}
        return 200, {"id": self.give(schema, subject)}

    def _problems(self, subject: str, schema: str) -> list[str]:
        if self.levels.get(subject) not in CHECKED:
            return []
        older = (json.loads(self.schemas[number]) for number in self.versions.get(subject, []))
        return [problem for each in older for problem in problems(each, json.loads(schema))]


class LoopbackRegistry(RegistryInMemory):
    """The registry behind HTTP. While `status` is not 200, every call is answered with it and no JSON. `authorization`
    is the header of the last call."""

    def __init__(self, first_id: int = 1) -> None:
        super().__init__(first_id)
        self.status = 200
        self.authorization: str | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def access(self) -> RegistryAccess:
        host, port = self._server.server_address[:2]
        return RegistryAccess(f"http://{host!s}:{port}")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                registry.authorization = self.headers["Authorization"]
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                status, text = registry.status, b"?"
                if status == 200:
                    status, answer = registry.answer(self.command, self.path, json.loads(body or b"{}"))
                    text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = _serve  # noqa: N815 - names of the standard library

            def log_message(self, *_: object) -> None:
                """Nothing: the calls are in `asked`."""

        return Handler
