"""The addresses on which the HTTP door listens."""

import socket

import pytest

from deploy.embedded.ports import free_ports
from peserta import http_server
from peserta.http_server import listening
from peserta.operations.failure import Unfit
from peserta.settings import read_settings


def test_a_free_port_is_listened_on_by_a_socket_that_says_tcp() -> None:
    with listening(read_settings(api_port=0)) as own:
        assert own.proto == socket.IPPROTO_TCP, "else asyncio leaves Nagle's algorithm on, and answers wait 40 ms"
        with socket.create_connection(own.getsockname()):
            accepted, _ = own.accept()
            with accepted:
                assert accepted.proto == socket.IPPROTO_TCP


def test_a_port_that_is_set_and_taken_is_refused_and_the_usual_one_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setattr(http_server, "PORT", port)
    with listening(read_settings(api_port=port)) as first:
        assert first.getsockname()[1] == port
        with pytest.raises(Unfit, match="PESERTA_API_PORT"):
            listening(read_settings(api_port=port))
        with listening(read_settings()) as second:
            assert second.getsockname()[1] not in (port, 0)
