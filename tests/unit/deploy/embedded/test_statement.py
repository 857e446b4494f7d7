"""Splitting a request into its statement and the data after it."""

import pytest

from deploy.embedded.clickhouse.statement import InsertHead, insert_head, is_insert, result_format

HEADS = {
    "data follow on the next line": (
        b"INSERT INTO t FORMAT CSV\n1,2\n",
        InsertHead("INSERT INTO t", "", "CSV", b"1,2\n"),
    ),
    "binary data follow at once after the line": (
        b"INSERT INTO `d`.`t` (`a`, `b`) FORMAT Native\n\x00\xff",
        InsertHead("INSERT INTO `d`.`t` (`a`, `b`)", "", "Native", b"\x00\xff"),
    ),
    "no data yet": (b"insert into t format Native", InsertHead("insert into t", "", "Native", b"")),
    "data on the same line": (
        b'INSERT INTO t FORMAT JSONEachRow {"a":1}',
        InsertHead("INSERT INTO t", "", "JSONEachRow", b'{"a":1}'),
    ),
    "a semicolon before the data": (b"INSERT INTO t FORMAT CSV;\n1\n", InsertHead("INSERT INTO t", "", "CSV", b"1\n")),
    "settings": (
        b"INSERT INTO t SETTINGS async_insert = 1 FORMAT CSV\n1\n",
        InsertHead("INSERT INTO t", "async_insert = 1", "CSV", b"1\n"),
    ),
    "several settings on lines of their own": (
        b"INSERT INTO t (a)\n SETTINGS\n async_insert = 0, b = 'x y'\n FORMAT CSV\n1\n",
        InsertHead("INSERT INTO t (a)", "async_insert = 0, b = 'x y'", "CSV", b"1\n"),
    ),
    "a comment before": (
        b"/* sink */ -- x\nINSERT INTO t FORMAT CSV\n",
        InsertHead("/* sink */ -- x\nINSERT INTO t", "", "CSV", b""),
    ),
    "names may hold anything": (
        b"INSERT INTO `a FORMAT b\n` (`x) FORMAT y`) FORMAT TSV\n",
        InsertHead("INSERT INTO `a FORMAT b\n` (`x) FORMAT y`)", "", "TSV", b""),
    ),
    "values are SQL": (b"INSERT INTO t VALUES (1)", None),
    "values with a format are SQL": (b"INSERT INTO t FORMAT Values (1)", None),
    "a selection is SQL": (b"INSERT INTO t SELECT 'x FORMAT CSV\n'", None),
    "a selection that is no insert": (b"SELECT 1 FORMAT CSV\n", None),
}


@pytest.mark.parametrize(("head", "expected"), HEADS.values(), ids=HEADS.keys())
def test_insert_head(head: bytes, expected: InsertHead | None) -> None:
    assert insert_head(head) == expected


INSERTS = {
    "an insert": (b"INSERT INTO t", True),
    "an insert after a comment": (b"-- x\n insert\ninto t", True),
    "a name that begins like one": (b"INSERT INTOX", False),
    "a selection": (b"SELECT 'INSERT INTO t'", False),
}


@pytest.mark.parametrize(("sql", "expected"), INSERTS.values(), ids=INSERTS.keys())
def test_is_insert(sql: bytes, expected: bool) -> None:
    assert is_insert(sql) is expected


FORMATS = {
    "the default": ("SELECT 1", "TSV"),
    "a format at the end": ("select 1 format JSON ;\n", "JSON"),
    "a format with settings": ("SELECT 1 FORMAT JSON SETTINGS max_threads = 1", "JSON"),
    "a comment before": ("/* x */ -- y\nWITH 1 AS a SELECT a", "TSV"),
    "brackets": ("(SELECT 1) UNION ALL (SELECT 2)", "TSV"),
    "a command answers nothing": ("CREATE TABLE t (a Int8) ENGINE = Memory", None),
    "an insert answers nothing": ("INSERT INTO t SELECT 1", None),
}


@pytest.mark.parametrize(("sql", "expected"), FORMATS.values(), ids=FORMATS.keys())
def test_result_format(sql: str, expected: str | None) -> None:
    assert result_format(sql, "TSV") == expected
