"""The file in which a running `peserta up` publishes its addresses, so that other commands find it without settings."""

import json
import os
from pathlib import Path
from typing import Any

from peserta.operations.failure import Unavailable
from peserta.settings import OF_ACCESS, PREFIX, Settings, read_settings

FILE_NAME = "running.json"
# Settings that another command must share; this process's own addresses and folders are not among them.
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
    "schema_registry_url",
    "schema_registry_password_file",
    "schema_registry_ca_file",
    *OF_ACCESS.values(),
)


def announce(settings: Settings) -> Path:
    """Write the addresses of this installation to a file and return its path; the caller removes it."""
    path = settings.data_dir / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    own = settings.environment()
    values = {name: own[f"{PREFIX}{name.upper()}"] for name in SHARED}
    path.write_text(json.dumps({"pid": os.getpid(), **values}), encoding="utf-8")
    path.chmod(0o600)
    return path


def find_installation(**overrides: Any) -> Settings:
    """The settings of the environment; settings missing there are taken from a running `peserta up`.

    An `up` with another broker than the configured one is another installation, and nothing is taken from it.
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
    """The addresses that the process `pid` has announced, in words and without passwords; empty if there are none."""
    try:
        found = json.loads((data_dir / FILE_NAME).read_text(encoding="utf-8"))
        if found["pid"] != pid:
            return ""
        return f"Kafka {found['kafka']} and ClickHouse {found['clickhouse_url'].rpartition('@')[2]}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def with_kafka(settings: Settings) -> Settings:
    """Return the settings. Raises Failed if they name no broker."""
    if not settings.kafka:
        raise Unavailable(
            "No Kafka is configured and no stack is running: start one (`peserta up`), or set PESERTA_KAFKA.",
        )
    return settings
