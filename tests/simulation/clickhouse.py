"""ClickHouse in memory, with the methods of clickhouse-connect's client that the sink uses. Its tables remember the
tokens of their inserts and keep every row as inserted.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

from clickhouse_connect.driver.exceptions import OperationalError

from sinks.clickhouse.marks import LAST, TABLE
from sinks.clickhouse.totals import ENTRIES, NEWEST, TOTALLED
from tests.simulation.chance import Chance
from tests.simulation.link import Link, Unanswered

AWAY_RATE: Final = 0.02  # the share of requests that are answered with 503
HALF_RATE: Final = 0.03  # the share of inserts that end after some of the table's partitions
PARTITIONED: Final = frozenset(("ledger_lines",))
Row = tuple[Any, ...]


class ClickHouse:
    """`rows`: table -> rows as inserted, columns by name."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._tokens: dict[str, set[str]] = defaultdict(set)

    def insert(
        self, table: str, columns: Mapping[str, Sequence[Any]], settings: Mapping[str, Any], parts_max: int = 1_000
    ) -> None:
        """Insert one block as a part for each of the table's partitions, none where the token is known. Each part is
        inserted completely or not at all. Raises OperationalError after `parts_max` of them."""
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        parts: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            parts[row["partition"] if table in PARTITIONED else 0].append(row)
        for number, (partition, part) in enumerate(sorted(parts.items())):
            if number == parts_max:
                raise OperationalError("ended between two parts")
            token = f"{partition}:{settings['insert_deduplication_token']}"
            if not settings["insert_deduplicate"] or token not in self._tokens[table]:
                self._tokens[table].add(token)
                self.rows[table] += part

    def progress(self) -> list[Row]:
        """The result of `SELECT ... FROM sink_progress FINAL`: for each partition the row with the highest version."""
        last: dict[tuple[str, int], dict[str, Any]] = {}
        for row in self.rows[TABLE]:
            key = row["topic"], row["partition"]
            if key not in last or row["version"] >= last[key]["version"]:
                last[key] = row
        names = ("topic", "partition", "first", "next", "stage", "sha256")
        return [tuple(row[name] for name in names) for row in last.values()]

    def newest(self) -> list[Row]:
        """The highest journal offset of each partition that has an entry."""
        last: dict[int, int] = {}
        for row in self.rows[ENTRIES]:
            last[row["partition"]] = max(row["offset"], last.get(row["partition"], 0))
        return [*last.items()]


class ClickHouseClient:
    """A connection, over a link on which requests may fail."""

    server_settings: Final[dict[str, Any]] = {}

    def __init__(self, server: ClickHouse, link: Link, chance: Chance) -> None:
        self._server, self._link, self._chance = server, link, chance

    async def insert(
        self, table: str, data: Sequence[Any], *, column_names: Sequence[str], settings: Mapping[str, Any], **_: Any
    ) -> None:
        columns = dict(zip(column_names, data, strict=True))
        parts_max = 1 if table in PARTITIONED and self._chance.happens(HALF_RATE) else len(data[0])
        await self._ask(f"insert into {table}", lambda: self._server.insert(table, columns, settings, parts_max))

    async def query(self, text: str) -> Any:
        """What the sink asks when it begins. No schedule is so long that a bucket is full, so nothing is added up."""
        answers = {
            LAST: ("read progress", self._server.progress),
            NEWEST: ("read entries", self._server.newest),
            TOTALLED: ("read totals", list),
        }
        return SimpleNamespace(result_rows=await self._ask(*answers[text]))

    async def create_insert_context(self, _table: str, _columns: Sequence[str]) -> Any:
        return SimpleNamespace(column_types=())

    async def _ask(self, what: str, call: Any) -> Any:
        if self._chance.happens(AWAY_RATE):
            raise OperationalError("503: away")
        try:
            return await self._link.ask(what, call)
        except Unanswered as error:
            raise OperationalError(f"no answer to: {what}") from error
