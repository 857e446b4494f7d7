"""A recording time in the future moves a book's business dates for good, so it must be confirmed (SEMANTICS 7).

Only records for a book with `clock: replay` have a recording time, and there every record needs one.
"""

from peserta.operations.failure import Rejected
from peserta.settings import Settings
from schemas.dates import instant, instant_text
from schemas.records import Instant
from streams.settings import REPLAY


class StampsItself(Rejected):
    """A recording time was given for a book that stamps its entries itself."""


class NoTimeOfRecording(Rejected):
    """No recording time was given for a book with `clock: replay`."""


class InTheFuture(Exception):
    """A recording time after the present moment. The message has both instants."""


def recording_time(settings: Settings, text: str | None, now: Instant, *, allow_future: bool = False) -> Instant | None:
    """The recording time for a record sent to this book: None in a book with `clock: wall`.

    `text` is RFC 3339. Raises StampsItself or NoTimeOfRecording if the text does not fit the book's clock, ValueError
    if it is not an instant, and InTheFuture.
    """
    if settings.clock != REPLAY:
        if text is not None:
            raise StampsItself("This book stamps entries itself: a time of recording is for one with `clock: replay`.")
        return None
    if text is None:
        raise NoTimeOfRecording("This book has `clock: replay`: say when it is recorded.")
    return check_recorded_at(instant(text), now, allow_future=allow_future)


def check_recorded_at(recorded_at: Instant, now: Instant, *, allow_future: bool = False) -> Instant:
    """Return the recording time. Raises InTheFuture if it is after `now` and `allow_future` is not set."""
    if recorded_at > now and not allow_future:
        raise InTheFuture(f"{instant_text(recorded_at)} is after the present moment, {instant_text(now)}")
    return recorded_at
