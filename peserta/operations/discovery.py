"""Where a running `peserta up` says how it is reached, so that other commands find it without being told."""

import json
import os
from pathlib import Path
from typing import Any

from peserta.operations.failure import Unavailable
from peserta.settings import OF_ACCESS, PREFIX, Settings, read_settings

FILE_NAME = "running.json"
# What another command must know alike; addresses and folders of this process are not among them.
SHARED = (
    "kafka",
    "clickhouse_url",
    "clickhouse_database",
    "topic_prefix",
    "partitions",
    "inbound_topics",
    "clock",
    "grace_days",
    "clickhouse_password_file",
    "clickhouse_ca_file",
    *OF_ACCESS.values(),
)


def announce(settings: Settings) -> Path:
    """Write down the addresses of this installation; the file is the caller's to remove."""
    path = settings.data_dir / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    own = settings.environment()
    values = {name: own[f"{PREFIX}{name.upper()}"] for name in SHARED}
    path.write_text(json.dumps({"pid": os.getpid(), **values}), encoding="utf-8")
    path.chmod(0o600)
    return path


def find_installation(**overrides: Any) -> Settings:
    """The settings of the environment; what is not in it, as a running `peserta up` has it.

    An `up` on another broker than the one that is configured is another installation: nothing of it is taken.
    """
    settings = read_settings(**overrides)
    path = settings.data_dir / FILE_NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        os.kill(found.pop("pid"), 0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return settings
    if not isinstance(found, dict) or str(settings.kafka) not in ("", found.get("kafka")):
        return settings
    unsaid = {name: value for name, value in found.items() if name in SHARED and name not in settings.model_fields_set}
    return read_settings(**{**unsaid, **overrides})


def addresses_of(data_dir: Path, pid: int) -> str:
    """Where what this process has announced is reached, in words and without passwords; nothing when it has not."""
    try:
        found = json.loads((data_dir / FILE_NAME).read_text(encoding="utf-8"))
        if found["pid"] != pid:
            return ""
        return f"Kafka {found['kafka']} and ClickHouse {found['clickhouse_url'].rpartition('@')[2]}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def with_kafka(settings: Settings) -> Settings:
    """The same settings; Failed when they name no broker."""
    if not settings.kafka:
        raise Unavailable(
            "No Kafka is configured and no stack is running: start one (`peserta up`), or set PESERTA_KAFKA.",
        )
    return settings
