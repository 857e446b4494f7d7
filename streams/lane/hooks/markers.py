"""aiokafka's wait for the markers of a transaction."""

from aiokafka.producer import sender as aiokafka_sender  # type: ignore[import-untyped]


def set_marker_wait(milliseconds: int) -> None:
    """Set how long aiokafka waits while a transaction's markers are not written. It has no setting for this (20 ms)."""
    aiokafka_sender.BACKOFF_OVERRIDE = milliseconds / 1000
