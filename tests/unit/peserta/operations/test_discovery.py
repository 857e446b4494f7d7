"""Commands find a running `peserta up` by a file in the data folder, as long as its process runs."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from peserta.operations.discovery import FILE_NAME, announce, find_installation, with_kafka
from peserta.operations.failure import Failed, Unavailable, WrongSettings
from peserta.settings import PREFIX, Settings, read_settings


@pytest.fixture(autouse=True)
def up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of an announced `up` whose process is this one."""
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    monkeypatch.setenv("PESERTA_DATA_DIR", str(tmp_path))
    settings = read_settings(
        kafka="127.0.0.1:9", clickhouse_url="http://127.0.0.1:8", clock="replay", grace_days=5, partitions=2
    )
    announce(settings)
    return settings


def test_a_running_up_is_found(up: Settings) -> None:
    assert find_installation() == up


def test_what_the_caller_says_wins(up: Settings) -> None:
    assert find_installation(grace_days=9) == up.model_copy(update={"grace_days": 9})


def test_only_its_user_may_read_where_it_is(tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_another_broker_is_another_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESERTA_KAFKA", "elsewhere:9092")
    settings = find_installation()
    assert (str(settings.kafka), settings.clickhouse_url, settings.clock) == ("elsewhere:9092", "", "wall")


def test_an_up_on_a_configured_broker_is_found_with_what_it_started(
    up: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PESERTA_KAFKA", str(up.kafka))
    assert find_installation() == up


def test_a_configured_clickhouse_stays(up: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESERTA_CLICKHOUSE_URL", "http://elsewhere:8123")
    assert find_installation() == up.model_copy(update={"clickhouse_url": "http://elsewhere:8123"})


def test_an_up_that_is_gone_is_not_believed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path = tmp_path / FILE_NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), "pid": gone.pid}), encoding="utf-8")
    assert not find_installation().kafka


@pytest.mark.parametrize("text", ["", "{", '{"pid": '], ids=["empty", "half", "cut"])
def test_a_file_that_is_half_written_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    assert not find_installation().kafka


def test_wrong_settings_are_said_also_beside_a_running_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESERTA_PARTITIONS", "none")
    with pytest.raises(WrongSettings, match="PESERTA_PARTITIONS"):
        find_installation()


def test_without_a_broker_a_command_says_how_to_get_one() -> None:
    with pytest.raises(Failed, match="peserta up") as failed:
        with_kafka(read_settings())
    assert isinstance(failed.value, Unavailable)
