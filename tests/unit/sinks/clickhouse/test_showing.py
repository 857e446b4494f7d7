"""Publishing views: only the sink of the current generation makes the views of analysts."""

import logging
from typing import cast

import pytest

from sinks.clickhouse.loop import show_if
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.warehouse import Warehouse

SETTINGS = SinkSettings("127.0.0.1:1", "http://127.0.0.1:1", database="book_g2", shown_in="book")


async def test_a_sink_that_wakes_up_late_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    asked = []

    async def another_stands() -> bool:
        asked.append(True)
        return False

    nowhere = cast(Warehouse, None)  # any use of it would fail
    await show_if(another_stands, nowhere, SETTINGS)
    assert asked == [True]
    assert caplog.messages == ["book does not show book_g2: another generation stands."]
