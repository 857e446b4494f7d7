"""One story for all tests of the folder."""

import pytest

from peserta.demo.story import Story, story
from tests.unit.peserta.demo.story.reading import Line, read


@pytest.fixture(scope="session")
def told() -> Story:
    """The default story: default seed, scale 1."""
    return story()


@pytest.fixture(scope="session")
def lines(told: Story) -> list[Line]:
    """The parsed lines of the story."""
    return read(told.facts)
