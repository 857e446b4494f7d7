"""A statement as received over HTTP: SQL, perhaps followed by the data of an insert. They are split without a
parser."""

import re
from dataclasses import dataclass

# Longer than any list of columns. If no data begins within it, the body is plain SQL.
INSERT_HEAD_BYTES = 64 * 1024

_BLANK = rb"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_NAME = rb"(?:`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"|\w+)"
_COLUMNS = rb"\((?:[^()`\"]|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\")*\)"
_INSERT = re.compile(_BLANK + rb"INSERT\s+INTO\s", re.IGNORECASE | re.DOTALL)
_INSERT_HEAD = re.compile(
    rb"(?P<insert>" + _BLANK + rb"INSERT\s+INTO\s+(?:TABLE\s+)?" + _NAME + rb"(?:\s*\.\s*" + _NAME + rb")?"
    rb"(?:\s*" + _COLUMNS + rb")?)(?:\s+SETTINGS\s+(?P<settings>[^;\n]*?))?"
    rb"\s+FORMAT\s+(?P<format>\w+)[ \t\r]*(?:;[ \t\r]*)?(?:\n|(?=[^\w\s])|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_FORMAT_AT_END = re.compile(r"\bFORMAT\s+(\w+)(?:\s+SETTINGS\s[^;]*)?[\s;]*\Z", re.IGNORECASE)
_ANSWERS_ROWS = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(?:SELECT|WITH|SHOW|DESC|DESCRIBE|EXPLAIN|EXISTS|CHECK|FROM)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class InsertHead:
    """The beginning of an insert of raw data: SQL up to the columns, its settings, its format, the data read so far.

    `settings` is the list of the SETTINGS clause, such as `async_insert = 0, max_threads = 1`; `""` is none.
    """

    sql: str
    settings: str
    format: str
    data: bytes


def is_insert(head: bytes) -> bool:
    """Whether the SQL begins with INSERT INTO, so that data may follow it in the same body."""
    return _INSERT.match(head) is not None


def insert_head(head: bytes) -> InsertHead | None:
    """The head of `INSERT INTO table (columns) FORMAT name`, or None for any other SQL (VALUES and SELECT included).

    Raises UnicodeDecodeError when the SQL is not UTF-8.
    """
    found = _INSERT_HEAD.match(head)
    if found is None or found["format"].upper() == b"VALUES":
        return None
    settings = found["settings"] or b""
    return InsertHead(found["insert"].decode(), settings.decode(), found["format"].decode(), head[found.end() :])


def result_format(sql: str, default: str) -> str | None:
    """The format of the statement's result, or None if it has no result (DDL, inserts)."""
    if not _ANSWERS_ROWS.match(sql):
        return None
    found = _FORMAT_AT_END.search(sql)
    return found[1] if found else default
