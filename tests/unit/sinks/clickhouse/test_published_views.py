"""Publishing views: only the sink of the current generation makes the views of analysts."""

import logging
from typing import cast

import pytest

from sinks.clickhouse.loop import publish_if
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.warehouse import Warehouse

SETTINGS = SinkSettings("127.0.0.1:1", "http://127.0.0.1:1", database="book_g2", published_in="book")


async def test_a_sink_that_wakes_up_late_publishes_no_views(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    asked = []

    async def another_is_current() -> bool:
        asked.append(True)
        return False

    nowhere = cast(Warehouse, None)  # any use of it would fail
    await publish_if(another_is_current, nowhere, SETTINGS)
    assert asked == [True]
    assert caplog.messages == ["The views of book_g2 are not published in book: another generation is current."]
