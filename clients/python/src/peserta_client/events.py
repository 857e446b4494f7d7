"""Server-sent events from the bytes of an answer. Only whole events count: what a cut leaves behind is dropped."""

from dataclasses import dataclass, field

EVENT_BYTES_MAX = 1_000_000


class TooLarge(ValueError):
    """An event without an end: the answer is not one of Peserta's door."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event. `id` is None where it had none; one without `data` is not given out."""

    id: str | None
    name: str
    data: str


@dataclass(slots=True)
class EventReader:
    """Reads the bytes of one connection, piece by piece. `heard` says whether anything complete came at all."""

    heard: bool = False
    _rest: bytes = b""
    _id: str | None = None
    _name: str = ""
    _lines: list[str] = field(default_factory=list)

    def take(self, piece: bytes) -> list[Event]:
        """The events that end in this piece."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > EVENT_BYTES_MAX:
            raise TooLarge("an event has no end")
        return [event for line in lines if (event := self._line(line.rstrip(b"\r").decode("utf-8", "replace")))]

    def _line(self, line: str) -> Event | None:
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if line and name == "id":
            self._id = value
        elif line and name == "event":
            self._name = value
        elif line and name == "data":
            self._lines.append(value)
        elif not line:
            self.heard = True
            event = Event(self._id, self._name or "message", "\n".join(self._lines)) if self._lines else None
            self._id, self._name = None, ""
            self._lines.clear()
            return event
        return None
