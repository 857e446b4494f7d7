"""The views of figures name every programme, employment type and window of the vocabulary."""

import pytest

from tests.support.figure_views import VIEWS, newest, rendered


@pytest.mark.parametrize("view", VIEWS)
def test_the_newest_definition_of_a_view_is_the_generated_one(view: str) -> None:
    assert newest(view) == rendered(view), f"print it with `python -m tests.support.figure_views {view}`"
