"""What one process of the door takes, and no more: every limit has a name, a unit and an answer that says it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Of each process. How many lines a body may have, and how deep its JSON may be: `peserta.intake.forms`."""

    body_bytes: int = 8 * 1024 * 1024
    bodies_bytes: int = 64 * 1024 * 1024  # of all bodies that are held at a time
    body_seconds: float = 30.0  # from the first byte that is read to the last
    drained_bytes: int = 16 * 1024 * 1024  # of a body that is refused unread; behind it the connection is closed
    requests_per_minute: int = 6_000  # of one key
    requests_at_once: int = 64  # of one key
    failures_per_minute: int = 30  # failed authentications from one address that are looked at
    addresses: int = 10_000  # whose failures are remembered
    answers_at_once: int = 4  # questions that ClickHouse is asked at a time
