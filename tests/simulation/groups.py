"""A consumer group by Kafka's rules: generations, session timeouts, offsets. Members are assigned partition numbers,
because all topics of the service have the same number of partitions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from aiokafka.errors import (  # type: ignore[import-untyped]
    IllegalGenerationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

REBALANCE_LIMIT_S: Final = 5.0  # a member that has not rejoined by then is removed
Place = tuple[str, int]


class Assignment(NamedTuple):
    """A member's partitions in a generation."""

    generation: int
    numbers: frozenset[int]


@dataclass
class Membership:
    """One member; `seen` counts its requests."""

    session_s: float
    seen: int = 0
    has_joined: bool = False
    numbers: frozenset[int] = field(default_factory=frozenset)


class Group:
    """The requests of members, and the actions of the coordinator."""

    def __init__(self, later: Callable[[float, Callable[[], None]], Any]) -> None:
        self._later = later
        self._members: dict[str, Membership] = {}
        self._rebalances = False
        self._number = 0
        self._partitions = 0
        self.generation = 0
        self.offsets: dict[Place, int] = {}

    def join(self, member: str, partitions: int, session_s: float) -> None:
        """Ask for a place in the next generation."""
        self._partitions = partitions
        self._members.setdefault(member, Membership(session_s))
        self._alive(member)
        self._rebalance()
        self._members[member].has_joined = True
        self._perhaps_complete()

    def assignment(self, member: str) -> Assignment:
        """The member's partitions; RebalanceInProgressError while the others have not joined. Asking also joins the
        next generation, if this one ended before the member received its assignment.
        """
        self._alive(member)
        if self._rebalances:
            self._members[member].has_joined = True
            self._perhaps_complete()
        if self._rebalances:
            raise RebalanceInProgressError
        return Assignment(self.generation, self._members[member].numbers)

    def heartbeat(self, member: str, generation: int) -> None:
        """Raise the error that the member must handle, if any."""
        self._check(member, generation)
        self._alive(member)
        if self._rebalances:
            raise RebalanceInProgressError

    def leave(self, member: str) -> None:
        """Leave the group at once, without a session timeout."""
        if self._members.pop(member, None) is not None:
            self._rebalance()
            self._perhaps_complete()

    def commit(self, member: str | None, generation: int, offsets: Mapping[Place, int]) -> None:
        """Store offsets for a member of this generation, or for any client (None) while the group has no member."""
        if member is not None:
            self._check(member, generation)
        elif self._members:
            raise UnknownMemberIdError
        self.offsets.update(offsets)

    def _check(self, member: str, generation: int) -> None:
        if member not in self._members:
            raise UnknownMemberIdError
        if generation != self.generation:
            raise IllegalGenerationError

    def _alive(self, member: str) -> None:
        if member not in self._members:
            raise UnknownMemberIdError
        membership = self._members[member]
        membership.seen += 1
        seen = membership.seen
        self._later(membership.session_s, lambda: self._miss(member, membership, seen))

    def _miss(self, member: str, membership: Membership, seen: int) -> None:
        if self._members.get(member) is membership and membership.seen == seen:
            self.leave(member)

    def _rebalance(self) -> None:
        if not self._rebalances and self._members:
            self._rebalances, self._number = True, self._number + 1
            number = self._number
            for membership in self._members.values():
                membership.has_joined = False
            self._later(REBALANCE_LIMIT_S, lambda: self._give_up_waiting(number))

    def _give_up_waiting(self, number: int) -> None:
        if self._rebalances and self._number == number:
            self._members = {name: one for name, one in self._members.items() if one.has_joined}
            self._perhaps_complete()

    def _perhaps_complete(self) -> None:
        if self._rebalances and all(membership.has_joined for membership in self._members.values()):
            self._rebalances = False
            self.generation += 1
            names = list(self._members)
            for turn, name in enumerate(names):
                own = range(turn, self._partitions, len(names))
                self._members[name].numbers = frozenset(own)
