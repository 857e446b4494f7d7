"""The sink in this process: its health endpoint, its generation, and its work until a signal."""

import asyncio
from dataclasses import replace

from peserta.operations.discovery import with_kafka
from peserta.operations.failure import Interrupted, Unfit
from peserta.operations.generations import book_or_stop, end_when_superseded, wait_for_current
from peserta.operations.health.endpoint import Probe
from peserta.operations.workers.process import served, stop_on_signal
from peserta.settings import Settings
from sinks.clickhouse.loop import run_sink as carry
from sinks.clickhouse.metrics import SinkMetrics
from sinks.clickhouse.moving import MoveFailedError
from sinks.clickhouse.readiness import SinkStatus
from sinks.clickhouse.refusals import Refused


def sink_settings(settings: Settings) -> Settings:
    """Return the settings. Raises Failed if they name no broker or no ClickHouse."""
    if not with_kafka(settings).clickhouse_url:
        raise Unfit("The sink needs PESERTA_CLICKHOUSE_URL.")
    return settings


def run_sink(settings: Settings, generation: int | None = None) -> None:
    """Run the sink (journal, ledger, snapshots, alerts, dead letters -> ClickHouse) until a signal.

    It copies `generation`, by default the current one. `settings` come from `sink_settings`. Raises Failed if Kafka or
    ClickHouse refuses for good, or if other processes kept its migration from coming to an end.
    """
    try:
        asyncio.run(_sink_until_signal(settings, generation))
    except Refused as error:
        raise Unfit(str(error)) from error
    except MoveFailedError as error:
        raise Interrupted(str(error)) from error


async def _sink_until_signal(settings: Settings, generation: int | None) -> None:
    stop = stop_on_signal()
    status = SinkStatus()
    probe = Probe("sink", status.waits_for)
    with served(settings, probe) as say:
        say()
        probe.pulse.start(asyncio.get_running_loop())
        book = await book_or_stop(settings, generation, stop)
        if book is None:
            return
        end_when_superseded(book)
        # Analysts see the current generation. The views of one that is still being built are hidden from them.
        published_in = settings.clickhouse_database if generation is None and book.generation > 1 else ""
        carried = replace(book.sink_settings(), published_in=published_in)

        async def may_publish() -> bool:
            """Whether this generation is still current: a sink that was suspended must not publish its views again."""
            return (await wait_for_current(settings, None)).number == book.generation

        metrics = SinkMetrics(probe.registry)
        await carry(carried, stop=stop, metrics=metrics, status=status, may_publish=may_publish)
