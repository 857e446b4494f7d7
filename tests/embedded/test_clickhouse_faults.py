"""Each fault point has its documented effect. Inserts with a token survive all of them."""

import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from deploy.embedded.clickhouse.server import ClickHouse
from tests.support.clickhouse_faults import FAULTY_PROGRAM, Faults
from tests.support.waiting import wait_until

TABLE = "CREATE OR REPLACE TABLE facts (id Int32) ENGINE = MergeTree ORDER BY id"
WINDOW = f"{TABLE} SETTINGS non_replicated_deduplication_window = 100"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    server = ClickHouse.launch(tmp_path_factory.mktemp("clickhouse"), program=FAULTY_PROGRAM)
    yield server
    server.stop()


@pytest.fixture
def faults(server: ClickHouse) -> Iterator[Faults]:
    server.start()
    faults = Faults(server.url)
    yield faults
    server.start()
    faults.clear()


@pytest.fixture
def client(server: ClickHouse, faults: Faults) -> Iterator[Client]:
    """A client without a session, and an empty table that has no deduplication window."""
    client = clickhouse_connect.get_client(dsn=server.url, autogenerate_session_id=False)
    client.command(TABLE)
    yield client
    client.close()


def insert(client: Client, token: str = "") -> None:
    client.insert("facts", [[1], [2]], settings={"insert_deduplication_token": token} if token else {})


def count(client: Client) -> object:
    return client.command("SELECT count() FROM facts")


# clickhouse-connect repeats an insert once after a cut connection, so callers see an error only after two cuts.
LOST = {"before": 0, "in_body": 0, "after": 4}


@pytest.mark.parametrize(("point", "rows"), LOST.items(), ids=LOST.keys())
def test_the_connection_is_cut(client: Client, faults: Faults, point: str, rows: int) -> None:
    faults.add("cut", point, match="INSERT INTO", times=2)
    with pytest.raises(OperationalError):
        insert(client)
    assert faults.hits() == [2]
    assert count(client) == rows


@pytest.mark.parametrize("point", LOST)
def test_a_token_makes_an_insert_that_was_sent_again_count_once(client: Client, faults: Faults, point: str) -> None:
    client.command(WINDOW)
    faults.add("cut", point, match="INSERT INTO", times=1)
    insert(client, "token")
    insert(client, "token")
    assert faults.hits() == [1]
    assert count(client) == 2


REFUSALS = {"before": 0, "in_body": 0, "after": 2}


@pytest.mark.parametrize(("point", "rows"), REFUSALS.items(), ids=REFUSALS.keys())
def test_an_insert_is_refused(client: Client, faults: Faults, point: str, rows: int) -> None:
    faults.add("refuse", point, match="INSERT INTO")
    with pytest.raises(DatabaseError, match="code: 202"):
        insert(client)
    assert count(client) == rows


def test_another_code_can_be_asked_for(client: Client, faults: Faults) -> None:
    faults.add("refuse", match="INSERT INTO", code=252)
    with pytest.raises(DatabaseError, match="code: 252"):
        insert(client)


@pytest.mark.parametrize(("point", "rows"), REFUSALS.items(), ids=REFUSALS.keys())
def test_an_insert_hangs_until_it_is_let_go_while_others_are_answered(
    client: Client, faults: Faults, point: str, rows: int
) -> None:
    faults.add("wait", point, match="INSERT INTO")
    with ThreadPoolExecutor(1) as pool:
        inserting = pool.submit(insert, client)
        wait_until(lambda: faults.hits() == [1])
        assert count(client) == rows
        assert not inserting.done()
        faults.clear()
        inserting.result(30)
    assert count(client) == 2


def test_an_insert_is_delayed(client: Client, faults: Faults) -> None:
    faults.add("wait", match="INSERT INTO", seconds=0.01)
    insert(client)
    assert faults.hits() == [1]
    assert count(client) == 2


EXITS = {"before": 0, "in_body": 0, "after": 2}


@pytest.mark.parametrize(("point", "rows"), EXITS.items(), ids=EXITS.keys())
def test_the_process_is_killed(server: ClickHouse, client: Client, faults: Faults, point: str, rows: int) -> None:
    client.command(WINDOW)
    faults.add("exit", point, match="INSERT INTO")
    with pytest.raises(ClickHouseError):
        insert(client, "token")
    assert server.process is not None
    assert server.process.wait(30) == -9
    server.start()
    assert count(client) == rows
    insert(client, "token")
    assert count(client) == 2


def test_a_disk_that_takes_no_more_of_a_body_is_clickhouses_error(server: ClickHouse, client: Client) -> None:
    assert server.process is not None
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    rows = [[number] for number in range(1_000_000)]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1 << 20, hard))
    with pytest.raises(DatabaseError, match="code: 243"):
        client.insert("facts", rows)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert count(client) == 0
    insert(client)
    assert count(client) == 2


def test_a_rule_can_let_some_pass(client: Client, faults: Faults) -> None:
    faults.add("refuse", match="INSERT INTO", skip=1)
    insert(client)
    with pytest.raises(DatabaseError):
        insert(client)
    insert(client)
    assert count(client) == 4


def test_the_queries_are_told_with_their_settings(client: Client, faults: Faults) -> None:
    insert(client, "token")
    [told] = [one for one in faults.queries() if one["settings"].get("insert_deduplication_token") == "token"][-1:]
    assert "INSERT INTO" in told["sql"]


def test_the_usual_program_has_no_fault_points(tmp_path: Path) -> None:
    server = ClickHouse.launch(tmp_path)
    with pytest.raises(OSError, match="404"):
        Faults(server.url).hits()
    server.stop()
