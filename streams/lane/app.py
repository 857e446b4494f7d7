"""The Faust app of a worker on the lane: every setting that can lose records, listen or create topics is ruled out."""

import os
from typing import Any

from aiokafka import __version__ as aiokafka_version  # type: ignore[import-untyped]
from faust import __version__ as faust_version
from faust.types.enums import ProcessingGuarantee
from yarl import URL

from streams.lane.assignor import LaneAssignor
from streams.lane.hooks.app import LaneApp
from streams.lane.hooks.consumer import Transport
from streams.lane.hooks.credentials import credentials_of
from streams.lane.hooks.table import Tables
from streams.lane.settings import LaneSettings
from streams.lane.stop import Refused

BROKER_ANSWER_LIMIT_S = 30.0
FAUST_VERSION = "0.15.3"
AIOKAFKA_SERIES = "0.14."
STREAM_BUFFER_EVENTS = 4096

# Faust's settings, whatever its environment variables say.
REQUIRED: dict[str, Any] = {
    "processing_guarantee": ProcessingGuarantee.AT_LEAST_ONCE,  # Faust's exactly_once sends outside its transactions
    "topic_allow_declare": False,
    "topic_disable_leader": True,
    "web_enabled": False,
    "web_bind": "127.0.0.1",  # if somebody starts the web server anyway
    "stream_wait_empty": True,  # a rebalance waits for batches in flight
    "stream_recovery_delay": 0.0,
    "recovery_consistency_check": True,
    "autodiscover": False,
    "worker_redirect_stdouts": False,
}


def create_app(settings: LaneSettings) -> LaneApp:
    """An app that is not connected. Add lanes to it, then call `run_worker`.

    Raises Refused if the hooks were written for another version of Faust or aiokafka, or if a setting did not hold.
    """
    if faust_version != FAUST_VERSION or not aiokafka_version.startswith(AIOKAFKA_SERIES):
        raise Refused(
            f"the lane needs faust-streaming {FAUST_VERSION} and aiokafka {AIOKAFKA_SERIES}x, "
            f"found {faust_version} and {aiokafka_version}"
        )
    app = LaneApp(settings.app_id)
    app.lane_settings, app.lanes = settings, []
    _settle(app, REQUIRED | _of(settings))
    app.transport = Transport(app.conf.broker_consumer, app)
    return app


def _of(settings: LaneSettings) -> dict[str, Any]:
    return {
        "broker": [URL(f"kafka://{server}") for server in settings.servers],
        "broker_credentials": credentials_of(settings.bootstrap),
        "datadir": os.fspath(settings.data_dir),
        "PartitionAssignor": LaneAssignor,
        "TableManager": Tables,
        "topic_partitions": settings.partitions,
        "table_standby_replicas": settings.standby_replicas,
        "broker_max_poll_records": settings.batch_records_max,
        "broker_session_timeout": settings.session_timeout_s,
        "broker_heartbeat_interval": settings.heartbeat_interval_s,
        "broker_commit_interval": settings.commit_interval_s,
        "broker_request_timeout": max(BROKER_ANSWER_LIMIT_S, settings.session_timeout_s),
        "broker_check_crcs": True,
        "stream_buffer_maxsize": STREAM_BUFFER_EVENTS,
    }


def _settle(app: LaneApp, wanted: dict[str, Any]) -> None:
    """Apply settings after Faust has read its environment, which would override arguments of the constructor."""
    for name, value in wanted.items():
        setattr(app.conf, name, value)
    app.conf.id = app.lane_settings.app_id
    wrong = sorted(name for name, value in REQUIRED.items() if getattr(app.conf, name) != value)
    if wrong:
        raise Refused(f"Faust settings are not what the lane needs: {', '.join(wrong)}")
