"""Gives each test a lane case with its own topics, and stops its workers afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lane_case import LaneCase


@pytest.fixture
def lane_case(kafka_address: str, topic_prefix: str, tmp_path: Path) -> Iterator[LaneCase]:
    case = LaneCase(kafka_address, topic_prefix, tmp_path)
    yield case
    case.close()


@pytest.fixture(params=["memory", "disk"])
def stored_case(
    kafka_address: str, topic_prefix: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[LaneCase]:
    """The case once with the state in memory and once with the state on disk."""
    case = LaneCase(kafka_address, topic_prefix, tmp_path, state_on_disk=request.param == "disk")
    yield case
    case.close()
