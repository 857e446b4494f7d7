"""The configuration of a Kafka node, as a single node and as one of three."""

from pathlib import Path

import pytest

from deploy.embedded.broker import Cluster, Node


def cluster(size: int) -> Cluster:
    return Cluster(tuple(Node(n, 21000 + n, 22000 + n, Path(f"/data/{n}")) for n in range(1, size + 1)))


def properties(size: int, node_id: int) -> dict[str, str]:
    whole = cluster(size)
    text = whole.properties(whole.nodes[node_id - 1])
    return dict(line.split("=", 1) for line in text.splitlines())


ALONE = {
    "listeners": "CLIENT://127.0.0.1:21001,CONTROLLER://127.0.0.1:22001",
    "controller.quorum.voters": "1@127.0.0.1:22001",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "min.insync.replicas": "1",
    "group.initial.rebalance.delay.ms": "0",
    "log.dirs": "/data/1/data",
}
SECOND_OF_THREE = {
    "node.id": "2",
    "listeners": "CLIENT://127.0.0.1:21002,CONTROLLER://127.0.0.1:22002",
    "controller.quorum.voters": "1@127.0.0.1:22001,2@127.0.0.1:22002,3@127.0.0.1:22003",
    "default.replication.factor": "3",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "min.insync.replicas": "2",
    "transaction.state.log.min.isr": "2",
}


@pytest.mark.parametrize(
    ("size", "node_id", "expected"), [(1, 1, ALONE), (3, 2, SECOND_OF_THREE)], ids=["alone", "the second of three"]
)
def test_properties(size: int, node_id: int, expected: dict[str, str]) -> None:
    found = properties(size, node_id)
    assert {name: found[name] for name in expected} == expected


def test_clients_are_given_every_node() -> None:
    assert cluster(3).address == "127.0.0.1:21001,127.0.0.1:21002,127.0.0.1:21003"


def test_properties_asked_for_come_besides_or_instead_of_ours() -> None:
    asked = {"auto.create.topics.enable": "true", "authorizer.class.name": "A"}
    own, other = cluster(1), Cluster(cluster(1).nodes, asked)
    lines = [set(one.properties(one.nodes[0]).splitlines()) for one in (own, other)]
    assert lines[1] - lines[0] == {"auto.create.topics.enable=true", "authorizer.class.name=A"}
    assert lines[0] - lines[1] == {"auto.create.topics.enable=false"}
