"""One story for all tests of the folder."""

import pytest

from deploy.story import Story, story
from tests.unit.deploy.story.reading import Line, read


@pytest.fixture(scope="session")
def told() -> Story:
    """The story as everybody sees it: default seed, scale 1."""
    return story()


@pytest.fixture(scope="session")
def lines(told: Story) -> list[Line]:
    """Its lines, read."""
    return read(told.facts)
