"""How long aiokafka waits for a transaction's markers."""

from aiokafka.producer import sender as aiokafka_sender  # type: ignore[import-untyped]


def set_marker_wait(milliseconds: int) -> None:
    """How long aiokafka waits when a transaction's markers are not yet written; it has no setting for it (20 ms)."""
    aiokafka_sender.BACKOFF_OVERRIDE = milliseconds / 1000
