"""`peserta worker notifier`."""

from peserta.cli.workers.options import log_to_stderr
from peserta.operations.discovery import find_installation
from peserta.operations.workers.notifier_worker import run_notifier


def run_notifier_worker() -> None:
    """Alerts -> the people who subscribe to them, by webhook, e-mail, chat or Alertmanager.

    Several may run: one sends, the others stand by. Needs the extra `notices`.

    Example: PESERTA_KAFKA=localhost:9092 peserta worker notifier
    """
    settings = find_installation()
    log_to_stderr()
    run_notifier(settings)
