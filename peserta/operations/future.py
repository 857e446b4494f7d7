"""A time of recording that lies ahead moves the business dates of a book for good: it must be meant (SEMANTICS 7)."""

from schemas.dates import instant_text
from schemas.records import Instant


class InTheFuture(Exception):
    """A time of recording after the present moment; the text says both."""


def check_recorded_at(recorded_at: Instant, now: Instant, *, allow_future: bool = False) -> Instant:
    """The time of recording, unless it is after the present moment and nobody has said that it is meant."""
    if recorded_at > now and not allow_future:
        raise InTheFuture(f"{instant_text(recorded_at)} is after the present moment, {instant_text(now)}")
    return recorded_at
