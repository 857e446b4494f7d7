"""Counts what a process of the service asks of Kafka and ClickHouse, and writes the counts down on a signal.

Python imports a module of this name at its start, from the folder that the environment names (`quiet/profile.py`). So
the command, and the code of any commit, run as they are.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = os.environ.get("QUIET_COUNTS", "")
SIGNAL = signal.SIGRTMIN
ROLES = ("recorder", "bookkeeper", "sink", "notifier", "api")
counts: Counter[str] = Counter()


def _kafka(send: Callable[..., Any]) -> Callable[..., Any]:
    def counted(connection: Any, request: Any, *rest: Any, **options: Any) -> Any:
        counts["Kafka: " + type(request).__name__.removesuffix("Request")] += 1
        return send(connection, request, *rest, **options)

    return counted


def _insert(insert: Callable[..., Any]) -> Callable[..., Any]:
    async def counted(warehouse: Any, table: str, columns: Any, *rest: Any) -> None:
        counts[f"ClickHouse: insert into {table}"] += 1
        counts["ClickHouse: rows"] += len(next(iter(columns.values())))
        await insert(warehouse, table, columns, *rest)

    return counted


def _write(*_: Any) -> None:
    half = Path(FOLDER) / f"{os.getpid()}.half"
    half.write_text(json.dumps(counts), encoding="utf-8")
    half.replace(half.with_suffix(".json"))


def _count() -> None:
    # The module's own name would be taken from the command's arguments, which Python has not read yet.
    connection = import_module("aiokafka.conn").AIOKafkaConnection
    connection.send = _kafka(connection.send)
    if sys.orig_argv[-1] == "sink":
        warehouse = import_module("sinks.clickhouse.warehouse").Warehouse
        warehouse.insert = _insert(warehouse.insert)
    signal.signal(SIGNAL, _write)


if FOLDER and "peserta" in sys.orig_argv and sys.orig_argv[-1] in ROLES:
    _count()
