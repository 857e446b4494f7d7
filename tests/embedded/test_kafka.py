"""A broker that cannot start reports why. If another process has taken its port, it tries another port."""

import socket
from pathlib import Path

import pytest
from rich.console import Console

from deploy.embedded import ports
from deploy.embedded.broker import Cluster, Node
from deploy.embedded.error import StackError
from deploy.embedded.jars import kafka_jars
from deploy.embedded.kafka import Kafka
from deploy.embedded.ports import PortTakenError, free_ports, is_free, on_free_ports


def alone(folder: Path) -> Kafka:
    port, controller_port = free_ports(2)
    return Kafka(Cluster((Node(1, port, controller_port, folder),)), kafka_jars(Console(quiet=True)))


def test_a_damaged_folder_is_told_with_the_brokers_own_words(tmp_path: Path) -> None:
    kafka = alone(tmp_path)
    data = kafka.cluster.nodes[0].data
    data.mkdir(parents=True)
    (data / "meta.properties").write_text("version=1\ncluster.id=x\nnode.id=9\n")
    with pytest.raises(StackError, match=r"(?s)Kafka node 1 ended with 1 while starting.*node id"):
        kafka.start()


def test_a_port_that_is_taken_is_told_as_such(tmp_path: Path) -> None:
    kafka = alone(tmp_path)
    with socket.create_server(("127.0.0.1", kafka.cluster.nodes[0].port)), pytest.raises(PortTakenError):
        kafka.start()
    assert kafka.processes[1].poll() is not None


def test_a_start_goes_to_other_ports_when_one_was_taken() -> None:
    tried: list[tuple[int, ...]] = []

    def start(picked: tuple[int, ...]) -> str:
        tried.append(picked)
        if len(tried) < 3:
            raise PortTakenError("taken")
        return "started"

    assert on_free_ports(2, start) == "started"
    assert len({port for picked in tried for port in picked}) == 6


def test_a_start_gives_up_in_the_end() -> None:
    def start(picked: tuple[int, ...]) -> None:
        raise PortTakenError("taken")

    with pytest.raises(PortTakenError):
        on_free_ports(1, start)


def test_ports_are_free_and_below_those_that_clients_are_given() -> None:
    [port] = free_ports(1)
    assert ports.LOWEST <= port < 32768
    assert is_free(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
