"""The notifier in this process: its health endpoint, and its work until a signal."""

import asyncio

from peserta.operations.discovery import with_kafka
from peserta.operations.generations import book_or_stop
from peserta.operations.health.endpoint import Probe
from peserta.operations.notifying import notify
from peserta.operations.workers.process import BROKER_WAIT_S, served, stop_on_signal
from peserta.settings import Settings
from sinks.notices.metrics import NotifierMetrics
from sinks.notices.readiness import NotifierStatus


def run_notifier(settings: Settings) -> None:
    """Run the notifier (alerts -> people) until a signal. Raises Failed, see `notifying.notify`."""
    asyncio.run(_notify_until_signal(with_kafka(settings)))


async def _notify_until_signal(settings: Settings) -> None:
    stop = stop_on_signal()
    status = NotifierStatus()
    probe = Probe("notifier", status.waits_for)
    with served(settings, probe) as say:
        say()
        probe.pulse.start(asyncio.get_running_loop())
        # The book has topics from here on. Which generation is current, the notifier watches itself.
        book = await book_or_stop(settings, None, stop, BROKER_WAIT_S)
        if book is not None:
            await notify(book, stop, NotifierMetrics(probe.registry, status), status.turn)
