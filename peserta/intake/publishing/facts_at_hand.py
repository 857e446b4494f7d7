"""Facts that a command has made itself, as the lines that are published: what became of each is told by its place."""

from collections.abc import Iterator, Sequence

from peserta.intake.fact_files import Place
from schemas.fact_json import line_of
from schemas.records import Fact


class FactsAtHand:
    """The lines of these facts, numbered from 1; `name` says where they come from."""

    def __init__(self, name: str, facts: Sequence[Fact]) -> None:
        self._name, self._facts = name, facts

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        for number, fact in enumerate(self._facts, 1):
            yield number, line_of(fact).encode()

    def place(self, number: int) -> Place:
        """The number of the fact itself."""
        return Place(self._name, number)

    def without_facts(self) -> list[str]:
        """Nothing: that there is no fact to publish is no failure of a file."""
        return []
