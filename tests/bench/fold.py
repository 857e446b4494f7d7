"""The fold alone: journal entries that are decoded already, into a book."""

from tests.bench.load import ENTRIES_PER_BATCH, Load
from tests.bench.row import Measure, rate


def prepare(load: Load, policies: int, *, taken: bool = False) -> Measure:
    """With so many policies; `taken`: changed rows and snapshots are taken after each batch."""
    entries = load.entries

    def run() -> int:
        book = load.book(policies)
        for first in range(0, len(entries), ENTRIES_PER_BATCH):
            for offset, entry in enumerate(entries[first : first + ENTRIES_PER_BATCH], first):
                book.apply(entry, offset)
            if taken:
                book.take_changes()
            book.take_alerts()
        return len(entries)

    return rate(run)
