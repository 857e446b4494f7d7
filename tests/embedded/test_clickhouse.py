"""The HTTP interface as clickhouse-connect and curl use it."""

import datetime
import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import quote, urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.embedded.stack import Stack

TABLE = "CREATE TABLE facts (id Int32, name String, day Date) ENGINE = MergeTree ORDER BY id"
WINDOW = f"{TABLE} SETTINGS non_replicated_deduplication_window = 100"
ROWS = [[1, "a'b\\c\n\té", datetime.date(2025, 1, 1)], [2, "", datetime.date(2025, 12, 31)]]


@pytest.fixture
def client(clickhouse_url: str, clickhouse_database: str) -> Iterator[Client]:
    """A client with a session in a database of its own."""
    client = clickhouse_connect.get_client(dsn=clickhouse_url)
    client.command(f"CREATE DATABASE {clickhouse_database}")
    client.database = clickhouse_database
    yield client
    client.command(f"DROP DATABASE {clickhouse_database}")
    client.close()


def ask(url: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[HTTPResponse, str]:
    """A plain request, as curl would make it."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body or None, named)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip", False])
def test_rows_come_back_as_they_were_inserted(client: Client, clickhouse_url: str, compress: str | bool) -> None:
    client.command(TABLE)
    with clickhouse_connect.get_client(dsn=clickhouse_url, database=client.database, compress=compress) as other:
        done = other.insert("facts", ROWS * 1000)
        assert done.written_rows == 2000
        assert [list(row) for row in other.query("SELECT * FROM facts ORDER BY id LIMIT 1 BY id").result_rows] == ROWS
        assert other.command("SELECT count() FROM facts") == 2000


PARAMETERS: dict[str, tuple[str, Any]] = {
    "text with every quote": ("String", "a'b\"c\\d\n\t`é"),
    "text too long for an address": ("String", "a'b\"c\\d\n\t`é\r\n\r--x--\r\n" * 5000),
    "a list of text": ("Array(String)", ["a'b", "c\\d", ""]),
    "a number": ("Int64", -(2**63)),
    "a date": ("Date", datetime.date(2025, 9, 1)),
    "nothing": ("Nullable(String)", None),
}


@pytest.mark.parametrize(("kind", "value"), PARAMETERS.values(), ids=PARAMETERS.keys())
def test_parameters(client: Client, kind: str, value: object) -> None:
    assert client.query(f"SELECT {{value:{kind}}}", parameters={"value": value}).result_rows == [(value,)]


FORM = 'multipart/form-data; boundary="x"'
EXTERNAL_TABLE = 'Content-Disposition: form-data; name="t"; filename="t"'


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        pytest.param('Content-Disposition: form-data; name="query"\r\n\r\nSELECT 2\r\n--x--', 200, "2", id="a query"),
        pytest.param(f"{EXTERNAL_TABLE}\r\n\r\n1\r\n--x--", 501, "External tables are not taken", id="a table"),
        pytest.param('Content-Disposition: form-data; name="query"\r\n\r\nSELECT 2', 400, "cut off", id="no end"),
        pytest.param("Content-Type: text/plain\r\n\r\nSELECT 2\r\n--x--", 400, "no fields", id="no name"),
    ],
)
def test_a_body_of_fields(clickhouse_url: str, body: str, status: int, says: str) -> None:
    answer, text = ask(clickhouse_url, "POST", "/", f"--x\r\n{body}".encode(), content_type=FORM)

    assert answer.status == status
    assert says in text


def test_a_parameterised_view(client: Client) -> None:
    client.command(TABLE)
    client.insert("facts", ROWS)
    client.command("CREATE VIEW until AS SELECT id FROM facts WHERE day <= {day:Date}")
    asked = "SELECT id FROM until(day = {d:Date})"
    assert client.query(asked, parameters={"d": datetime.date(2025, 6, 1)}).result_rows == [(1,)]


def test_a_command_without_a_result_and_one_with_an_empty_one(client: Client) -> None:
    assert not isinstance(client.command(TABLE), str)
    assert client.command("SELECT id FROM facts") == ""


def test_inserts_in_text_formats(client: Client, clickhouse_url: str) -> None:
    client.command(TABLE)
    database = client.database
    line = b'{"id":1,"name":"x","day":"2025-01-01"}\n'
    ask(clickhouse_url, "POST", f"/?database={database}", b"INSERT INTO facts FORMAT JSONEachRow\n" + line)
    ask(clickhouse_url, "POST", f"/?query={quote(f'INSERT INTO {database}.facts FORMAT JSONEachRow')}", line)
    ask(clickhouse_url, "POST", f"/?database={database}", b"INSERT INTO facts VALUES (1, 'x', '2025-01-01')")
    assert client.command("SELECT count() FROM facts WHERE name = 'x'") == 3


ERRORS = {
    "a table that is not there": ("SELECT * FROM nope", 60, 404),
    "wrong syntax": ("SELEC 1", 62, 400),
    "an unknown setting": ("SELECT 1 SETTINGS nope = 1", 115, 404),
    "rows that do not fit": ("INSERT INTO FUNCTION null('a Int8') FORMAT CSV\nx\n", 117, 400),
}


@pytest.mark.parametrize(("sql", "code", "status"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_have_clickhouses_code(stack: Stack, sql: str, code: int, status: int) -> None:
    answer, text = ask(stack.clickhouse_url, "POST", "/", sql.encode())
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert text.startswith(f"Code: {code}. DB::Exception: ")


RULED = """CREATE TABLE facts (id Int32, name String, day Date, CONSTRAINT has_name CHECK name != '')
ENGINE = MergeTree ORDER BY id PARTITION BY day SETTINGS non_replicated_deduplication_window = 100"""
NAMED = [[1, "a", ROWS[0][2]], [2, "b", ROWS[1][2]]]  # two partitions
AFTER_PARSING: dict[str, tuple[list[list[Any]], dict[str, Any], int]] = {
    "a violated constraint": (ROWS, {}, 469),
    "too many partitions": (NAMED, {"max_partitions_per_insert_block": 1}, 252),
}


@pytest.mark.parametrize(("rows", "settings", "code"), AFTER_PARSING.values(), ids=AFTER_PARSING.keys())
def test_rows_refused_after_parsing_are_an_error_and_leave_no_row(
    client: Client, rows: list[list[Any]], settings: dict[str, Any], code: int
) -> None:
    client.command(RULED)
    for _ in range(2):  # A refused insert does not use up its token.
        with pytest.raises(DatabaseError, match=f"code: {code}"):
            client.insert("facts", rows, settings={**settings, "insert_deduplication_token": "one"})
        assert client.command("SELECT count() FROM facts") == 0
    for _ in range(2):
        client.insert("facts", NAMED, settings={"insert_deduplication_token": "one"})
    assert client.command("SELECT count() FROM facts") == 2


IN_TEXT = {
    "CSV": (b'0,"",2025-01-01\n', b"1,a,2025-01-01\n2,b,2025-12-31\n"),
    "JSONEachRow": (b'{"id":0,"day":"2025-01-01"}\n', b'{"id":1,"name":"a"} {"id":2,"name":"b"}'),
    "TSVWithNames": (b"name\tid\n\t0\n", b"name\tid\na\t1\nb\t2\n"),
}


@pytest.mark.parametrize(("format", "refused", "taken"), [(name, *data) for name, data in IN_TEXT.items()], ids=IN_TEXT)
def test_text_formats_refuse_the_same(
    client: Client, clickhouse_url: str, format: str, refused: bytes, taken: bytes
) -> None:
    client.command(RULED)
    head = f"INSERT INTO facts SETTINGS insert_deduplication_token = 'one' FORMAT {format}\n".encode()
    for data, status in [(refused, 500), (taken, 200), (taken, 200)]:
        answer, text = ask(clickhouse_url, "POST", f"/?database={client.database}", head + data)
        assert answer.status == status, text
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "2"
    assert client.command("SELECT groupArray(name) FROM (SELECT name FROM facts ORDER BY id)") == "['a','b']"


def test_a_client_raises_the_error_and_goes_on(client: Client) -> None:
    with pytest.raises(DatabaseError, match="code: 60"):
        client.insert("nope", ROWS, column_names=["id", "name", "day"], column_type_names=["Int32", "String", "Date"])
    with pytest.raises(DatabaseError, match="code: 60"):
        client.query("SELECT * FROM nope")
    assert client.command("SELECT 1") == 1


def test_a_setting_of_one_request_is_gone_with_the_next(client: Client) -> None:
    asked = "SELECT value FROM system.settings WHERE name = 'max_block_size'"
    usual = client.command(asked)
    assert client.command(asked, settings={"max_block_size": 777}) == 777
    assert client.command(asked) == usual
    client.command("SET max_block_size = 888")
    assert client.command(asked, settings={"max_block_size": 777}) == 777
    assert client.command(asked) == 888


def test_a_setting_of_an_insert_is_of_that_insert_and_its_statement_has_the_last_word(
    client: Client, clickhouse_url: str
) -> None:
    client.command(TABLE)
    asked = f"/?database={client.database}&session_id=insert&format_csv_delimiter=%3B&max_block_size=777"
    ask(clickhouse_url, "POST", asked, b"INSERT INTO facts (id, name) FORMAT CSV\n1;one\n")
    clause = b"INSERT INTO facts (id, name) SETTINGS format_csv_delimiter = '|' FORMAT CSV\n2|two\n"
    ask(clickhouse_url, "POST", asked, clause)
    assert client.query("SELECT id, name FROM facts ORDER BY id").result_rows == [(1, "one"), (2, "two")]
    changed = b"SELECT count() FROM system.settings WHERE changed AND name = 'max_block_size'"
    assert ask(clickhouse_url, "POST", "/?session_id=insert", changed)[1] == "0\n"


def test_a_session_goes_on_after_a_request_with_a_wrong_setting(client: Client, clickhouse_url: str) -> None:
    ask(clickhouse_url, "POST", "/?session_id=kept", b"CREATE TEMPORARY TABLE own (a Int8)")
    answer, _ = ask(clickhouse_url, "POST", "/?session_id=kept&max_threads=1&nope=1", b"SELECT 1")
    assert answer.headers["X-ClickHouse-Exception-Code"] == "115"
    answer, text = ask(clickhouse_url, "POST", "/?session_id=kept", b"SELECT count() FROM own")
    assert text == "0\n"
    answer, _ = ask(clickhouse_url, "POST", "/?session_id=kept&session_timeout=0", b"SELECT 1")


def test_the_same_token_inserts_once_within_the_window(client: Client) -> None:
    client.command(WINDOW)
    for token in ["one", "one", "two"]:
        client.insert("facts", ROWS, settings={"insert_deduplication_token": token})
    client.insert("facts", [[3, "without a token", ROWS[0][2]]])
    client.insert("facts", [[4, "without a token", ROWS[0][2]]])
    assert client.command("SELECT count() FROM facts") == 6


def test_the_error_of_an_insert_is_read_by_a_client_that_still_sends(clickhouse_url: str) -> None:
    answer, _ = ask(clickhouse_url, "POST", "/", b"INSERT INTO nope FORMAT CSV\n" + b"1\n" * 20_000_000)
    assert answer.headers["X-ClickHouse-Exception-Code"] == "60"


def test_a_get_leaves_its_session_as_it_was(client: Client, clickhouse_url: str) -> None:
    session = f"/?database={client.database}&session_id=got"
    ask(clickhouse_url, "GET", f"{session}&query=SELECT+1")
    answer, _ = ask(clickhouse_url, "POST", session, TABLE.encode())
    assert answer.status == 200


def test_the_answers_headers(clickhouse_url: str) -> None:
    answer, text = ask(clickhouse_url, "POST", "/?query_id=mine&default_format=JSONEachRow", b"SELECT 1 AS one")
    assert json.loads(text) == {"one": 1}
    assert answer.headers["X-ClickHouse-Query-Id"] == "mine"
    assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["read_rows"] == "1"


def test_ping(clickhouse_url: str) -> None:
    assert ask(clickhouse_url, "GET", "/ping")[1] == "Ok.\n"


REFUSED: dict[str, tuple[str, str, str, dict[str, str], str]] = {
    "a GET that changes something": ("GET", "/?query=CREATE+TABLE+x(a+Int8)ENGINE=Memory", "", {}, "164"),
    "a GET in a session": ("GET", "/?session_id=s&query=CREATE+TABLE+x(a+Int8)ENGINE=Memory", "", {}, "164"),
    "a page of another site": ("POST", "/", "SELECT 1", {"Origin": "http://example.org"}, "516"),
    "a password": ("POST", "/", "SELECT 1", {"X_ClickHouse_User": "default", "X_ClickHouse_Key": "secret"}, "516"),
    "its own block compression": ("POST", "/?compress=1", "SELECT 1", {}, "48"),
    "a session that must exist": ("POST", "/?session_id=none&session_check=1", "SELECT 1", {}, "372"),
}


@pytest.mark.parametrize(("method", "path", "body", "headers", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(
    clickhouse_url: str, method: str, path: str, body: str, headers: dict[str, str], code: str
) -> None:
    answer, _ = ask(clickhouse_url, method, path, body.encode(), **headers)
    assert answer.headers["X-ClickHouse-Exception-Code"] == code


def test_another_host_name_is_refused(clickhouse_url: str) -> None:
    assert ask(clickhouse_url, "POST", "/", b"SELECT 1", Host="example.org")[0].status == 400
