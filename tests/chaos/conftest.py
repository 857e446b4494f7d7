"""A stack that chaos may kill, one for all its tests, and the story that is fed to each book."""

from collections.abc import Iterator

import pytest

from deploy.demo.material import Material
from deploy.embedded.stack import Stack
from tests.chaos.cycle import small_story, start_stack


@pytest.fixture(scope="package")
def mortal_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with start_stack(tmp_path_factory.mktemp("chaos")) as running:
        yield running


@pytest.fixture(scope="package")
def material() -> Material:
    return small_story()
