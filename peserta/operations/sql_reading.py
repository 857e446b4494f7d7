"""Any query over the views, read only: its result as values, or as ClickHouse writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from peserta.operations.clickhouse_reading import analyst
from peserta.settings import Settings

EMPTY_FOR_NULL: Final = {"format_csv_null_representation": ""}  # what spreadsheets expect


class TextFormat(StrEnum):
    """A format in which ClickHouse writes a result, under its own name."""

    JSON = "JSONEachRow"  # one object a line
    CSV = "CSVWithNames"


@dataclass(frozen=True, slots=True)
class Result:
    """The columns of a result and its rows, in their order."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


def result_of(settings: Settings, query: str) -> Result:
    """The result of a query; Failed says what ClickHouse refuses, or that it does not answer."""
    with analyst(settings) as client:
        found = client.query(query)
    return Result(tuple(found.column_names), found.result_rows)


def text_of(settings: Settings, query: str, form: TextFormat) -> bytes:
    """The result as ClickHouse writes it, in UTF-8; Failed like `result_of`."""
    with analyst(settings) as client:
        return client.raw_query(query, fmt=form, settings=EMPTY_FOR_NULL)


def quoted(value: str) -> str:
    """A text as SQL has it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
