"""The installation of a demonstration: its own, in a temporary folder or in one that is kept."""

import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.embedded.stack import Terminal
from peserta.operations.failure import Rejected
from peserta.operations.local_stack import LocalStack, check_new, local_stack
from peserta.operations.remembered import Remembered, remember
from peserta.settings import read_settings

PARTITIONS: Final = 4


@contextmanager
def folder_of(keep: Path | None) -> Iterator[Path]:
    """The folder of the demonstration: a temporary one, or `keep`. Raises Rejected if `keep` has been used before."""
    configured = read_settings()  # Report wrong variables even if the demonstration uses its own installation.
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="peserta-demo-") as folder:
            yield Path(folder)
        return
    check_new(keep)
    if configured.kafka or configured.clickhouse_url:
        raise Rejected(
            "--keep is for a Kafka and a ClickHouse that are started here: leave PESERTA_KAFKA and "
            "PESERTA_CLICKHOUSE_URL out."
        )
    yield keep.resolve()


@contextmanager
def installed(
    folder: Path, grace_days: int, *, is_kept: bool, terminal: Terminal, say: Callable[[str], None]
) -> Iterator[LocalStack]:
    """An installation of the demonstration's own.

    Servers that are not configured are started in the folder, laid out as by `peserta up`. An installation that is kept
    has the default names, so that `up` finds it. `terminal`, `say`: see local_stack.
    """
    name = f"demo_{secrets.token_hex(4)}"
    configured = read_settings(
        topic_prefix=None if is_kept else f"{name}.",
        clickhouse_database=None if is_kept else name,
        clock="replay",
        partitions=PARTITIONS,
        grace_days=grace_days,
        data_dir=folder,
        inbound_topics="workforce.facts.v1",
        health_port=0,
    )
    with local_stack(
        configured, "peserta demo", terminal=terminal, say=say, fixed_ports=False, must_be_new=is_kept
    ) as local:
        if is_kept:
            remember(folder, Remembered(grace_days={configured.topic_prefix: configured.grace_days}))
        yield local
