"""What the notifier needs of the world beside channels: a store, a feed of alerts, and metrics."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from schemas.notices import Notice, Order, Position
from schemas.records import Alert, Instant
from sinks.notices.desk import Reference
from sinks.notices.retrying import Answer


class CommittedAlert(NamedTuple):
    """An alert, when the book committed it, and where it is in its topic."""

    partition: int
    offset: int
    committed_at: Instant
    alert: Alert


class Store(Protocol):
    """Where notices are kept."""

    async def begin(self) -> tuple[list[Notice], Position | None]:
        """Everything that is stored. From here on no predecessor can store anything."""
        ...

    async def commit(self, notices: Iterable[Notice], position: Position | None) -> None:
        """Store all of it or nothing. Raises if that is not certain; then the process must end."""
        ...


class Feed(Protocol):
    """The alerts of the book, and what the desk knows beside them."""

    @property
    def reference(self) -> Reference: ...

    async def begin(self, position: Position | None) -> Position:
        """Read alerts from this position, or from the beginning of the current generation."""
        ...

    async def alerts(self) -> Sequence[CommittedAlert]:
        """The next alerts, in order within each partition; empty if none came for a while. What `reference` says is not
        older than the newest of them."""
        ...

    async def refresh(self) -> Sequence[Order]:
        """Bring `reference` up to date; returns the requests by hand that are new since the last call."""
        ...

    async def switch(self, position: Position) -> Position | None:
        """The position in another generation of the book if another is current now, and its alerts have begun; else
        None. All alerts of the old one that belong before it were returned."""
        ...


class Metrics(Protocol):
    """What the notifier reports; labels are channels and outcomes only."""

    def attempted(self, channel: str, answer: Answer, seconds: float) -> None: ...

    def changed(self, channel: str, notice: Notice) -> None: ...

    def round_ended(self, waiting: int) -> None:
        """A round is over; `waiting` notices are still to be sent."""
        ...
