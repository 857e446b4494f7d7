"""The fold alone: applies decoded journal entries to a book."""

from tests.bench.load import ENTRIES_PER_BATCH, Load
from tests.bench.row import Measure, rate


def prepare(load: Load, policies: int, *, taken: bool = False) -> Measure:
    """Fold with so many policies. `taken` also takes changed rows and snapshots after each batch."""
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
