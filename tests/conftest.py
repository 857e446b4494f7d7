"""One Kafka and one ClickHouse for a whole test run; each test has names of its own on them."""

import os
import signal
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import settings

from deploy.embedded import ports
from deploy.embedded.stack import Stack
from tests.support.sink_database import drop_databases

# No example fails because a machine is slow.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """A shell starts what runs in its background with SIGINT ignored, and all children would inherit that."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _at_once() -> None:
    """Workers do not wait for more records, unless a test says so: tests wait for each record that they write."""
    os.environ.setdefault("PESERTA_GATHER_MS", "0")
    os.environ.setdefault("PESERTA_SINK_GATHER_MS", "0")


@pytest.fixture(scope="session", autouse=True)
def _ports_of_its_own() -> None:
    """Each test process looks for free ports in a range of its own. A broker that a test kills is started again on its
    port, which nobody else may have taken meanwhile."""
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER", ""), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if worker:
        size = (ports.HIGHEST + 1 - ports.LOWEST) // workers
        ports.LOWEST += size * int(worker.removeprefix("gw"))
        ports.HIGHEST = ports.LOWEST + size - 1


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A running Kafka and ClickHouse with temporary data; a test that stops or kills one starts a stack of its own."""
    with Stack() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def _no_databases_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """The databases of a module end with it. ClickHouse looks at all its tables again and again: sixty databases that
    nobody uses take a tenth of a core."""
    tests = [each for each in request.session.items if each.getparent(pytest.Module) is request.node]
    uses_stack = any("stack" in each.fixturenames for each in tests if isinstance(each, pytest.Function))
    running: Stack | None = request.getfixturevalue("stack") if uses_stack else None
    yield
    if running is not None:
        drop_databases(running.clickhouse_url)


@pytest.fixture
def kafka_address(stack: Stack) -> str:
    return stack.kafka_address


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for the names of topics, groups and transactional ids that no other test has."""
    return f"t{uuid.uuid4().hex[:10]}."


@pytest.fixture
def clickhouse_url(stack: Stack) -> str:
    return stack.clickhouse_url


@pytest.fixture
def clickhouse_database() -> str:
    """A name for a database that no other test has; the test makes it."""
    return f"t{uuid.uuid4().hex[:10]}"
