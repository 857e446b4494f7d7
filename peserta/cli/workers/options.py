"""What the commands below `peserta worker` share."""

import logging
import sys
from typing import Annotated, Final

import typer

BookGeneration = Annotated[
    int | None,
    typer.Option(hidden=True, min=1, help="Work on this generation of the book instead of the current one."),
]
LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to_stderr() -> None:
    logging.basicConfig(stream=sys.stderr, format=LOG_FORMAT, level=logging.WARNING)
    for name in ("sinks", "peserta"):
        logging.getLogger(name).setLevel(logging.INFO)
