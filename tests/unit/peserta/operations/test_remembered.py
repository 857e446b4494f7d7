"""The values stored in a data directory, and the choice of a port for each part."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.listener import listener
from deploy.embedded.ports import PortTakenError, free_ports, on_port
from peserta.operations.local_stack import Port, wanted_port
from peserta.operations.remembered import FILE_NAME, Remembered, Unreadable, recall, remember
from tests.support.journals import deterministic

ports = st.none() | st.integers(1, 65535)


@given(ports, ports, st.dictionaries(st.text(max_size=5), st.integers(0, 3650), max_size=3))
@deterministic
def test_what_was_remembered_is_recalled(
    tmp_path_factory: pytest.TempPathFactory, kafka: int | None, clickhouse: int | None, grace_days: dict[str, int]
) -> None:
    folder = tmp_path_factory.mktemp("remembered")
    assert recall(folder) == Remembered()
    for what in (Remembered(1, 2), Remembered(kafka, clickhouse, grace_days)):
        remember(folder, what)
        assert recall(folder) == what
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"port": 1}'], ids=["empty", "half", "another", "unknown names"])
def test_a_damaged_file_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(Unreadable, match=FILE_NAME):
        recall(tmp_path)


@pytest.fixture
def taken() -> Iterator[int]:
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        yield port


def test_a_port_that_is_named_wins_then_the_last_one_then_the_usual_one_if_it_is_free(taken: int) -> None:
    (free,) = free_ports(1)
    assert wanted_port("kafka", 7, 8, taken) == Port("kafka", 7)
    assert wanted_port("kafka", 0, 8, taken) == Port("kafka", None)
    assert wanted_port("kafka", None, 8, taken) == Port("kafka", 8, remembered=True)
    assert wanted_port("kafka", None, None, free) == Port("kafka", free)
    assert wanted_port("kafka", None, None, taken) == Port("kafka", None, missed=taken)


def test_a_start_is_on_the_port_that_is_asked_for_and_on_free_ones_beside_it(taken: int) -> None:
    (free,) = free_ports(1)
    port, *others = on_port(free, 2, lambda given: given)
    assert port == free
    assert len({free, taken, *others}) == 4
    assert len(set(on_port(None, 2, lambda given: given))) == 3


def test_a_port_that_is_taken_is_refused_before_the_start_with_whose_it_is(taken: int) -> None:
    def start(_: tuple[int, ...]) -> None:
        raise AssertionError("nothing is to be started")

    with pytest.raises(PortTakenError, match=rf"Port {taken} is taken by process \d+ \(") as refused:
        on_port(taken, 1, start)
    assert refused.value.port == taken


def test_a_listener_that_nobody_is_has_no_name() -> None:
    (free,) = free_ports(1)
    assert listener(free) == "another process"
