"""Fixtures: one stack that all chaos tests may kill, pre-started workers, and the story for each book."""

from collections.abc import Iterator

import pytest

from deploy.embedded.stack import Stack
from peserta.demo.material import Material
from tests.chaos.book import small_story, start_stack
from tests.chaos.spares import Spares


@pytest.fixture(scope="package")
def mortal_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with start_stack(tmp_path_factory.mktemp("chaos")) as running:
        yield running


@pytest.fixture(scope="package")
def spares(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spares]:
    with Spares(tmp_path_factory.mktemp("workers")) as ready:
        yield ready


@pytest.fixture(scope="package")
def material() -> Material:
    return small_story()
