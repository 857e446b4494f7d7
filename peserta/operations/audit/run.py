"""An audit with its files: the position from which it continues, the seal that it checks, the position that it
saves."""

from pathlib import Path

from peserta.operations.audit.position_file import read_position, write_position
from peserta.operations.audit.report import OnPlanned, Report, Say, audit_book
from peserta.operations.audit.seal import read_seal
from peserta.operations.discovery import with_kafka
from peserta.operations.failure import Rejected
from peserta.operations.generations import current_book
from peserta.settings import Settings


async def audit(
    settings: Settings,
    say: Say,
    *,
    sealed: Path | None = None,
    since: Path | None = None,
    save: Path | None = None,
    on_planned: OnPlanned | None = None,
) -> Report:
    """Audit the current generation of a book.

    `sealed`: a seal that the history must end in. `since`: a position to go on from. `save`: where the position is
    written if all is well. `say` is told each part as it begins; `on_planned` is told how many offsets there are to
    read, and gives what is called with those that were read.

    The files are read first. Rejected for one that is none of these, and for a seal together with a position.
    """
    if sealed is not None and since is not None:
        raise Rejected("A seal is proved by the whole history: leave out --since.")
    heads = None if sealed is None else read_seal(sealed)
    start = None if since is None else read_position(since)
    book = await current_book(with_kafka(settings))
    report = await audit_book(book, say, heads, since=start, on_planned=on_planned)
    if save is not None and report.is_well:
        write_position(save, report.position(book.stream_settings()))
    return report
