"""The book that a rebuild works on: the current one of a running installation, or of a data directory at rest."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from deploy.embedded.stack import Terminal
from peserta.operations.discovery import with_kafka
from peserta.operations.generations import current_book
from peserta.operations.local_stack import STACK_FOLDER, local_stack
from peserta.operations.opened import as_opened, known_of_book
from peserta.operations.remembered import recall
from peserta.settings import Settings


@contextmanager
def book_to_fold(configured: Settings, *, terminal: Terminal, say: Callable[[str], None]) -> Iterator[Settings]:
    """The settings of the current generation, while inside the context.

    If the `peserta up` of the data directory does not run (it ends when a worker refuses), its Kafka and ClickHouse run
    for the duration of the context, without workers. `terminal`, `say`: see local_stack. Raises Failed if the settings
    do not fit the book, or if another process holds the folder.
    """
    if configured.kafka or not (configured.data_dir / STACK_FOLDER).is_dir():
        yield asyncio.run(_current(with_kafka(configured), {}))
        return
    with local_stack(configured, "peserta rebuild", terminal=terminal, say=say, fixed_ports=False) as local:
        yield asyncio.run(_current(local.settings, recall(configured.data_dir).grace_days))


async def _current(settings: Settings, remembered: Mapping[str, int]) -> Settings:
    """The settings that the book was opened with; the environment may lack those of an `up` that has ended.

    Other days of grace may be set: folding the book with them is one purpose of a rebuild.
    """
    book = await known_of_book(settings, remembered)
    if "grace_days" in settings.model_fields_set:
        book.pop("grace_days", None)
    return await current_book(as_opened(settings, book))
