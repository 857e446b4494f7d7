"""A case on the lane for each test: topics of its own, and no worker left behind."""

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
    """A case with the state in each kind of store."""
    case = LaneCase(kafka_address, topic_prefix, tmp_path, state_on_disk=request.param == "disk")
    yield case
    case.close()
