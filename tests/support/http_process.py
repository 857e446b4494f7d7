"""Processes of the HTTP door, on the settings of a test."""

import os
import secrets
import sys
from pathlib import Path
from typing import Any, Final, Self

import httpx2

from deploy.embedded.process import Process
from peserta.operations.health.place import Place, places_of
from peserta.operations.keys import new_key, write_key
from peserta.settings import Settings
from schemas.keys import SECRET_BYTES
from streams.clock import now_ms
from tests.support.waiting import wait_until

ANSWER_LIMIT_S: Final = 60.0
ROLE: Final = "api"


async def made_key(settings: Settings, role: str = "publisher", **limits: Any) -> tuple[str, str]:
    """(key id, secret) of a new key."""
    key_id = f"k{secrets.token_hex(4)}"
    key, secret = new_key(
        secrets.token_bytes(SECRET_BYTES), key_id, name="test", role=role, created_at=now_ms(), **limits
    )
    await write_key(settings, key)
    return key_id, secret


class HttpProcess:
    """`peserta api` on a free port, ready when it is constructed."""

    def __init__(self, settings: Settings, log: Path) -> None:
        environment = {**os.environ, **settings.environment(), "PESERTA_API_PORT": "0"}
        self.process = Process.start("api", [sys.executable, "-m", "peserta", ROLE], log=log, env=environment)
        self._data_dir = settings.data_dir
        wait_until(self._is_ready)

    @property
    def url(self) -> str:
        return self._place().url

    def client(self, secret: str) -> httpx2.Client:
        """A client with this key."""
        return httpx2.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {secret}"}, timeout=ANSWER_LIMIT_S, trust_env=False
        )

    def _place(self) -> Place:
        return next(place for place in places_of(self._data_dir, ROLE) if place.pid == self._pid)

    @property
    def _pid(self) -> int:
        return self.process.pid

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.process.log_tail()
        if not any(place.pid == self._pid for place in places_of(self._data_dir, ROLE)):
            return False
        try:
            return httpx2.get(f"{self.url}/readyz", timeout=ANSWER_LIMIT_S, trust_env=False).is_success
        except httpx2.TransportError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
