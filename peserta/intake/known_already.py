"""The disposition that facts would have before they are sent: new, known already, or in conflict with a known fact."""

from array import array
from collections.abc import Iterator
from enum import IntEnum
from hashlib import blake2b
from typing import Final

from schemas.records import Fact

DIGEST_BYTES: Final = 16


class Prospect(IntEnum):
    """The disposition that a line would have, as far as it depends on its event_id."""

    NEW = 0
    DUPLICATE = 1
    ID_CONFLICT = 2


class FactsOfFiles:
    """The ids and contents of facts in their order, as digests: about 300 bytes a line.

    Call `in_book` in the order of the journal: as in the book, the first entry of an id counts.
    """

    def __init__(self) -> None:
        self._numbers, self._ids, self._contents = array("q"), array("q"), bytearray()
        self._id_of: dict[bytes, int] = {}
        self._first: list[bytes] = []  # content of each id: the book's, or that of its first line
        self._is_in_book = bytearray()
        self._event_ids: dict[int, str] = {}  # of ids with more than one content
        self.companies: set[str] = set()

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: int, fact: Fact) -> None:
        """Add the next line that would be sent."""
        content = _digest(fact)
        found = self._id_of.setdefault(_identity(fact), len(self._first))
        if found == len(self._first):
            self._first.append(content)
            self._is_in_book.append(False)
        elif content != self._first[found]:
            self._event_ids[found] = fact.event_id
        self._numbers.append(number)
        self._ids.append(found)
        self._contents += content
        self.companies.add(fact.company_id)

    def in_book(self, fact: Fact) -> None:
        """Add a fact of the journal."""
        if fact.company_id not in self.companies:
            return
        found = self._id_of.get(_identity(fact))
        if found is not None and not self._is_in_book[found]:
            content, self._is_in_book[found] = _digest(fact), True
            if content != self._first[found]:
                self._first[found], self._event_ids[found] = content, fact.event_id

    def prospects(self) -> Iterator[tuple[int, Prospect, str | None]]:
        """(number, disposition, event_id if it is a conflict) of each line, in order."""
        seen = bytearray(self._is_in_book)
        for index, (number, which) in enumerate(zip(self._numbers, self._ids, strict=True)):
            content = bytes(self._contents[index * DIGEST_BYTES : (index + 1) * DIGEST_BYTES])
            if not seen[which]:
                seen[which] = True
                yield number, Prospect.NEW, None
            elif content == self._first[which]:
                yield number, Prospect.DUPLICATE, None
            else:
                yield number, Prospect.ID_CONFLICT, self._event_ids[which]


def _identity(fact: Fact) -> bytes:
    """A digest of (company_id, worker_id, event_id), which identify a fact. None of them has a blank in it."""
    return _hash(f"{fact.company_id} {fact.worker_id} {fact.event_id}")


def _digest(fact: Fact) -> bytes:
    return _hash(repr(tuple(fact)))


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()
