"""A time of recording that lies ahead moves the business dates of a book for good: it must be meant (SEMANTICS 7).

Only a book with `clock: replay` is given times of recording, and there every record needs one.
"""

from peserta.operations.failure import Rejected
from peserta.settings import Settings
from schemas.dates import instant, instant_text
from schemas.records import Instant
from streams.settings import REPLAY


class StampsItself(Rejected):
    """A time of recording for a book that stamps entries itself."""


class NoTimeOfRecording(Rejected):
    """No time of recording for a book with `clock: replay`."""


class InTheFuture(Exception):
    """A time of recording after the present moment; the text says both."""


def recording_time(settings: Settings, text: str | None, now: Instant, *, allow_future: bool = False) -> Instant | None:
    """The time of recording for a record sent to this book: null in a book with `clock: wall`.

    `text` is RFC 3339. StampsItself, NoTimeOfRecording; ValueError for a text that is no instant; InTheFuture.
    """
    if settings.clock != REPLAY:
        if text is not None:
            raise StampsItself("This book stamps entries itself: a time of recording is for one with `clock: replay`.")
        return None
    if text is None:
        raise NoTimeOfRecording("This book has `clock: replay`: say when it is recorded.")
    return check_recorded_at(instant(text), now, allow_future=allow_future)


def check_recorded_at(recorded_at: Instant, now: Instant, *, allow_future: bool = False) -> Instant:
    """The time of recording, unless it is after the present moment and nobody has said that it is meant."""
    if recorded_at > now and not allow_future:
        raise InTheFuture(f"{instant_text(recorded_at)} is after the present moment, {instant_text(now)}")
    return recorded_at
