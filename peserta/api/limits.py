"""The limits of one process of the door. Each has a name, a unit and an answer that states it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a process. `peserta.intake.forms` limits the lines of a body and the depth of its JSON."""

    body_bytes: int = 8 * 1024 * 1024
    bodies_bytes: int = 64 * 1024 * 1024  # of all bodies in memory
    body_seconds: float = 30.0  # from the first byte that is read to the last
    drained_bytes: int = 16 * 1024 * 1024  # of an unwanted body that is read; beyond it the connection is closed
    requests_per_minute: int = 6_000  # of one key
    requests_at_once: int = 64  # of one key
    failures_per_minute: int = 30  # failed authentications from one address or IPv6 network
    addresses: int = 10_000  # number of addresses with counted failures
    answers_at_once: int = 4  # concurrent ClickHouse queries
    page: int = 500  # companies or alerts of a page
    answer_rows: int = 100_000  # of the answer to a question
    answers_bytes: int = 256 * 1024 * 1024  # of all such answers in memory that are being sent
    scanned: int = 20_000  # alerts that are looked at for a page
    handling_bytes: int = 16 * 1024  # of the body of a handling
    streams: int = 200  # open streams of alerts
    streams_of_key: int = 8
    heartbeat_seconds: float = 10.0  # without an alert, until a stream sends a comment
    look_seconds: float = 1.0  # between two looks whether a stream may go on
    slow_seconds: float = 30.0  # for a reader to take what was sent, until its stream is ended
