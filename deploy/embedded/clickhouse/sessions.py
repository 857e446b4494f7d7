"""Handles on the engine: a new one per request, or a session's own, which is kept until the session expires."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from deploy.embedded.clickhouse.query import EngineError, Session

SESSION_NOT_FOUND = 372
SESSION_IS_LOCKED = 373


class Handle(Protocol):
    """A connection to the engine in this process, with its own settings, current database and temporary tables."""

    def query(self, query: str, format: str, params: Any = None) -> Any: ...

    def close(self) -> None: ...


@dataclass
class _Kept:
    handle: Handle
    until_s: float
    is_busy: bool


class Sessions:
    """Sessions by id. A session runs one request at a time. Settings that a request SETs apply to the next ones."""

    def __init__(self, connect: Callable[[], Handle], clock: Callable[[], float]) -> None:
        """`connect` creates a handle; `clock` returns monotonic seconds."""
        self._connect = connect
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    @contextmanager
    def handle(self, session: Session | None) -> Iterator[Handle]:
        """A handle for one request. Raises EngineError if the session is busy, or if it must exist and does not."""
        self._expire()
        if session is None:
            with closing(self._connect()) as handle:
                yield handle
            return
        kept = self._take(session)
        try:
            yield kept.handle
        finally:
            with self._lock:
                kept.is_busy = False
                kept.until_s = self._clock() + session.timeout_s

    def _take(self, session: Session) -> _Kept:
        name = session.session_id
        with self._lock:
            kept = self._kept.get(name)
            if kept is None:
                if session.must_exist:
                    raise EngineError(SESSION_NOT_FOUND, f"Session {name} not found. (SESSION_NOT_FOUND)")
                kept = self._kept[name] = _Kept(self._connect(), self._clock() + session.timeout_s, False)
            if kept.is_busy:
                text = f"Session {name} is locked by a concurrent client. (SESSION_IS_LOCKED)"
                raise EngineError(SESSION_IS_LOCKED, text)
            kept.is_busy = True
            return kept

    def drop(self, session: Session) -> None:
        """Discard a session whose handle is no longer usable."""
        with self._lock:
            kept = self._kept.pop(session.session_id)
        kept.handle.close()

    def _expire(self) -> None:
        with self._lock:
            now = self._clock()
            ended = [name for name, kept in self._kept.items() if not kept.is_busy and kept.until_s < now]
            handles = [self._kept.pop(name).handle for name in ended]
        for handle in handles:
            handle.close()

    def close(self) -> None:
        """Close every session's handle."""
        with self._lock:
            handles = [kept.handle for kept in self._kept.values()]
            self._kept.clear()
        for handle in handles:
            handle.close()
