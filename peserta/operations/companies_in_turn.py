"""Questions about workers, asked of a few companies at a time.

The worker of a line is that of its fact, and ClickHouse keeps the facts in memory to find it: those of all companies of
a large book are more than a query may have. The file of such a question has a part `of_companies`, whose rows can be
found for some companies without the others (`Question.of_companies`), and a last step that puts them together. Here the
part is asked of as many companies at a time as have LINES_MAX lines together, in the order of their ids. ClickHouse
takes the last step too, of all that was gathered, so order and form are those of an answer in one go. Each company's
rows are of one moment; those of two companies need not be.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from peserta.operations.failure import Rejected
from sinks.questions.headers import Question

LINES_MAX: Final = 1_000_000  # of companies that are asked about together; one that has more is asked about alone
IDS_BYTES_MAX: Final = 100_000  # of their ids: ClickHouse takes 131,072 in a parameter
GATHERED_BYTES_MAX: Final = 100_000_000  # of the rows of all turns
OF_COMPANIES: Final = "company"  # the parameter: one company, or several with a space between, which no id has
WITH_TYPES: Final = "JSONCompactEachRowWithNamesAndTypes"  # a line of names, one of types, a line for each row

OnTurn = Callable[[int, int], None]  # turns that are done, and all of them


def no_turn(done: int, turns: int) -> None:
    """For who does not want to know."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A SELECT as it can be sent, with its parameters and what it needs."""

    select: str
    parameters: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)


def in_turn(client: Client, question: Question, values: Mapping[str, str], on_turn: OnTurn) -> Ready:
    """What gives the answer. Where it is about the workers of more companies than can be asked together, they have
    been asked about in turn; `on_turn` is called before each turn and after the last. Rejected when they have too much
    to say, ClickHouseError like any query."""
    part = question.of_companies
    turns = [] if part is None or values.get(OF_COMPANIES) else _turns(client)
    if part is None or len(turns) < 2:
        return Ready(question.select, values)
    rows: list[str] = []
    size, names, types = 0, "", ""
    for number, companies in enumerate(turns):
        on_turn(number, len(turns))
        given = {**values, OF_COMPANIES: " ".join(companies)}
        said = client.raw_query(part, parameters=given, fmt=WITH_TYPES)
        names, types, found = said.decode().split("\n", 2)
        rows += filter(None, found.split("\n"))
        size += len(found)
        if size > GATHERED_BYTES_MAX:
            raise Rejected("The answer of all companies is too large: ask for less, one company at a time, say.")
    on_turn(len(turns), len(turns))
    gathered = _gathered(json.loads(names), json.loads(types), rows)
    return Ready(question.put_together(gathered), {}, {"max_query_size": 2 * len(gathered) + len(question.text)})


def _turns(client: Client) -> list[list[str]]:
    query = "SELECT company_id, count() FROM ledger GROUP BY company_id ORDER BY company_id"
    return turns_of((company_id, lines) for company_id, lines in client.query(query).result_rows)


def turns_of(companies: Iterable[tuple[str, int]]) -> list[list[str]]:
    """The companies of each turn, in their order; given with the number of their lines."""
    turns: list[list[str]] = []
    together = size = 0
    for company_id, lines in companies:
        together, size = together + lines, size + id_size(company_id)
        if not turns or together > LINES_MAX or size > IDS_BYTES_MAX:
            turns.append([])
            together, size = lines, id_size(company_id)
        turns[-1].append(company_id)
    return turns


def id_size(company_id: str) -> int:
    """Bytes of an id and the space behind it."""
    return len(company_id.encode()) + 1


def _gathered(names: list[str], types: list[str], rows: list[str]) -> str:
    """A SELECT of these rows, each of them a JSON array. It uses functions only: a table function needs a right that
    analysts do not have."""
    columns = ", ".join(f"row.{place} AS {name}" for place, name in enumerate(names, 1))
    return f"""SELECT {columns} FROM (
    SELECT arrayJoin(JSONExtract({quoted(f"[{','.join(rows)}]")}, 'Array(Tuple({", ".join(types)}))')) AS row
)"""


def quoted(value: str) -> str:
    """A text as SQL has it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
