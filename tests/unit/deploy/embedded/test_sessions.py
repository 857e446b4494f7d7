"""The engine handle that each request's session gets, and how long it lives."""

from typing import Any

import pytest

from deploy.embedded.clickhouse.query import EngineError, Session
from deploy.embedded.clickhouse.sessions import Sessions


class FakeHandle:
    is_open = True

    def query(self, query: str, format: str, params: Any = None) -> Any:
        raise NotImplementedError

    def send_insert(self, query: str, format: str) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        self.is_open = False


class Engine:
    """A clock that the test moves, and a list of the handles that were made."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.handles: list[FakeHandle] = []
        self.sessions = Sessions(self.connect, lambda: self.now_s)

    def connect(self) -> FakeHandle:
        self.handles.append(FakeHandle())
        return self.handles[-1]


MINUTE = Session("s", 60.0)


def test_without_a_session_each_request_has_its_own_handle_that_is_closed_after_it() -> None:
    engine = Engine()
    with engine.sessions.handle(None) as one, engine.sessions.handle(None) as other:
        assert one is not other
    assert not any(handle.is_open for handle in engine.handles)


def test_a_session_keeps_its_handle_while_it_is_used() -> None:
    engine = Engine()
    with engine.sessions.handle(MINUTE) as first:
        engine.now_s = 50.0
    engine.now_s = 105.0
    with engine.sessions.handle(MINUTE) as second:
        assert second is first


def test_a_session_that_was_not_used_for_its_time_ends() -> None:
    engine = Engine()
    with engine.sessions.handle(MINUTE) as first:
        pass
    engine.now_s = 61.0
    with engine.sessions.handle(MINUTE) as second:
        assert second is not first
    assert [handle.is_open for handle in engine.handles] == [False, True]


def test_a_session_is_locked_while_a_request_of_it_runs() -> None:
    engine = Engine()
    with engine.sessions.handle(MINUTE):
        with pytest.raises(EngineError, match="locked"), engine.sessions.handle(MINUTE):
            pass
        with engine.sessions.handle(Session("other", 60.0)):
            pass
    with engine.sessions.handle(MINUTE):
        pass


def test_a_session_that_must_exist_is_not_made() -> None:
    engine = Engine()
    with pytest.raises(EngineError, match="not found"), engine.sessions.handle(Session("s", 60.0, must_exist=True)):
        pass
    assert engine.handles == []


def test_a_dropped_session_starts_anew() -> None:
    engine = Engine()
    with engine.sessions.handle(MINUTE):
        engine.sessions.drop(MINUTE)
    with engine.sessions.handle(MINUTE):
        pass
    assert [handle.is_open for handle in engine.handles] == [False, True]
    engine.sessions.close()
    assert not engine.handles[1].is_open
