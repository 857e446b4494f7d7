"""The app and its settings exclude whatever could lose records, open a port or create topics."""

from pathlib import Path
from typing import Any

import pytest
from faust.types.enums import ProcessingGuarantee

from streams.lane import app
from streams.lane.app import create_app
from streams.lane.append import AppendLane
from streams.lane.hooks.consumer import Consumer, Transport
from streams.lane.hooks.table import PartitionTable
from streams.lane.hooks.topic import BatchTopic
from streams.lane.records import Effect
from streams.lane.settings import LaneSettings
from streams.lane.stop import Refused
from streams.lane.transactional import TransactionalLane


def settings(tmp_path: Path, **changes: Any) -> LaneSettings:
    given: dict[str, Any] = {"bootstrap": "127.0.0.1:9", "app_id": "app", "partitions": 4, "data_dir": tmp_path}
    return LaneSettings(**given | changes)


def test_every_hazardous_setting_of_faust_is_fixed(tmp_path: Path) -> None:
    conf = create_app(settings(tmp_path)).conf
    assert str(conf.processing_guarantee) == str(ProcessingGuarantee.AT_LEAST_ONCE)
    assert (conf.topic_allow_declare, conf.topic_disable_leader) == (False, True)
    assert (conf.web_enabled, conf.web_bind) == (False, "127.0.0.1")
    assert conf.stream_wait_empty
    assert (conf.broker_session_timeout, conf.broker_max_poll_records) == (10.0, 5000)


def test_the_environment_cannot_change_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = {"APP_WEB_ENABLED": "1", "WEB_BIND": "0.0.0.0", "PROCESSING_GUARANTEE": "exactly_once"}
    for name, value in (hostile | {"STREAM_WAIT_EMPTY": "0", "TOPIC_ALLOW_DECLARE": "1"}).items():
        monkeypatch.setenv(name, value)
    conf = create_app(settings(tmp_path)).conf
    assert (conf.web_enabled, conf.web_bind, conf.stream_wait_empty) == (False, "127.0.0.1", True)
    assert conf.topic_allow_declare is False
    assert str(conf.processing_guarantee) == str(ProcessingGuarantee.AT_LEAST_ONCE)


def test_another_version_of_faust_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "FAUST_VERSION", "0.15.4")
    with pytest.raises(Refused, match=r"needs faust-streaming 0\.15\.4"):
        create_app(settings(tmp_path))


def test_lanes_are_faust_agents_and_tables_on_the_lanes_transport(tmp_path: Path) -> None:
    made = create_app(settings(tmp_path))
    lane = TransactionalLane(made, source_topics=["journal"], state_name="book", step=lambda *_: Effect())
    AppendLane(made, source_topics=["facts", "policies"], step=lambda *_: [])
    assert isinstance(made.transport, Transport)
    assert isinstance(made.consumer, Consumer)
    assert {type(agent.channel) for agent in made.agents.values()} == {BatchTopic}
    assert [type(table) for table in made.tables.values()] == [PartitionTable]
    (table,) = made.tables_of_lanes().values()
    assert table is lane.table
    assert table.changelog_topic_name == "app-book-changelog" == made.lane_settings.changelog_topic("book")
    assert made.lane_of("policies").table is None


WRONG: dict[str, dict[str, Any]] = {
    "no port": {"bootstrap": "localhost"},
    "no server": {"bootstrap": ""},
    "no name": {"app_id": ""},
    "no partitions": {"partitions": 0},
    "no records": {"batch_records_max": 0},
    "too many records for one transaction": {"batch_records_max": 1_000_000},
    "a silence of minutes after a kill": {"session_timeout_s": 300.0},
    "heartbeats too rare for the session": {"heartbeat_interval_s": 9.0},
    "nothing under way": {"batches_in_flight": 0},
    "batches rarer than the transaction timeout": {"batch_interval_s": 10.0},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_a_wrong_setting_is_refused_by_name(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        settings(tmp_path, **changes)
