"""The ranges of the columns, where a field of a record could exceed them.

The sink checks them before it sends anything: ClickHouse silently accepts a number that is too large for Date32 or
DateTime64, and reads it as another date.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple, TypeAlias

from sinks.clickhouse.tables.block import Block


class Span(NamedTuple):
    """The whole numbers from `low` to `high`."""

    low: int
    high: int


_EPOCH: Final = date(1970, 1, 1)


def _day(on: date) -> int:
    return (on - _EPOCH).days


def _millisecond(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000


# Every calendar date: a policy may be meant to last for ever. A business date is in 2211 at most (tests/unit/sinks).
DATE32: Final = Span(_day(date.min), _day(date.max))
DATETIME64: Final = Span(_millisecond(1900), _millisecond(2300) - 1)
INT8: Final = Span(-(1 << 7), (1 << 7) - 1)
UINT32: Final = Span(0, (1 << 32) - 1)
UINT64: Final = Span(0, (1 << 64) - 1)

# By column name: a name has the same type in every table.
HELD: Final[Mapping[str, Span]] = {
    **dict.fromkeys(("recorded_at", "occurred_at", "created_at", "handled_at"), DATETIME64),
    **dict.fromkeys(("first_at", "next_at", "last_at"), DATETIME64),
    **dict.fromkeys(("effective_on", "value_on", "as_of", "business_date", "episode_start"), DATE32),
    **dict.fromkeys(("effective_from", "effective_until", "baseline_on", "policy_since"), DATE32),
    **dict.fromkeys(("partition", "came_from_partition", "letter_partition", "journal_partition"), UINT32),
    **dict.fromkeys(("posting", "line_count", "key_bytes", "value_bytes", "attempts"), UINT32),
    **dict.fromkeys(("offset", "came_from_offset", "letter_offset", "journal_offset", "seq"), UINT64),
    "quantity": INT8,
}
# Array and Nullable columns: a row has several of these values, or none.
NESTED: Final = frozenset(("effective_until", "baseline_on", "policy_since", "first_at", "next_at", "last_at"))

_Values: TypeAlias = Sequence[Any]


def misfit(block: Block) -> str:
    """The first column with a value outside its range; the empty string if there is none."""
    return next((name for name, values in block.columns.items() if not _fit(name, values)), "")


def _fit(name: str, values: _Values) -> bool:
    span = HELD.get(name)
    if span is None:
        return True
    numbers = [*_numbers(values)] if name in NESTED else values
    return not numbers or (span.low <= min(numbers) and max(numbers) <= span.high)


def _numbers(values: Iterable[Any]) -> Iterator[int]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _numbers(value)
        elif value is not None:
            yield value
