"""Why a notifier ends."""


class StoreLost(Exception):
    """It is not certain that notices were stored: another notifier leads now, or Kafka does not answer. The process
    must end; the next one makes the same state again from what was stored."""


class UnreadableNotice(Exception):
    """A record among the notices or the alerts that this release cannot read or tell. Starting again does not help."""
