"""Where a running `peserta up` says how it is reached, so that other commands find it without being told."""

import json
import os
from pathlib import Path
from typing import Any

from deploy.failure import CommandFailed, ExitCode
from deploy.settings import Settings, read_settings

FILE_NAME = "running.json"


def announce(settings: Settings) -> Path:
    """Write down the addresses of this installation; the file is the caller's to remove."""
    path = settings.data_dir / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {
        name: getattr(settings, name) for name in ("kafka", "clickhouse_url", "clock", "grace_days", "partitions")
    }
    path.write_text(json.dumps({"pid": os.getpid(), **values}), encoding="utf-8")
    path.chmod(0o600)
    return path


def installation(**overrides: Any) -> Settings:
    """The settings of the environment; without an address in them, those of a running `peserta up`."""
    settings = read_settings(**overrides)
    if settings.kafka:
        return settings
    path = settings.data_dir / FILE_NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        os.kill(found.pop("pid"), 0)
    except (OSError, ValueError):
        return settings
    return read_settings(**{**found, **overrides})


def with_kafka(settings: Settings) -> Settings:
    """The same settings; CommandFailed when they name no broker."""
    if not settings.kafka:
        raise CommandFailed(
            "No Kafka is configured and no stack is running: start one (`peserta up`), or set PESERTA_KAFKA.",
            ExitCode.UNAVAILABLE,
        )
    return settings
