"""What a data directory remembers of the last `peserta up`: the ports that clients use, and each book's days of grace.

Settings that Kafka itself stores are not repeated here (peserta/operations/opened.py).
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from peserta.operations.failure import Unfit

FILE_NAME: Final = "remembered.json"


class Unreadable(Unfit):
    """The file is not one that `remember` wrote. The message names it."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The last ports, None before the first start; and topic prefix -> days of grace of the book with that prefix."""

    kafka_port: int | None = None
    clickhouse_port: int | None = None
    grace_days: Mapping[str, int] = field(default_factory=dict)


def recall(folder: Path) -> Remembered:
    """What was remembered last; empty in a new folder. Raises Unreadable."""
    path = folder / FILE_NAME
    try:
        return Remembered(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Remembered()
    except (ValueError, TypeError) as error:
        raise Unreadable(
            f"{path} is damaged: remove it. The book is not in it, only its ports and days of grace."
        ) from error


def remember(folder: Path, what: Remembered) -> None:
    """Write the file atomically."""
    draft = folder / f"{FILE_NAME}.{os.getpid()}"
    draft.write_text(json.dumps(asdict(what)), encoding="utf-8")
    draft.replace(folder / FILE_NAME)
