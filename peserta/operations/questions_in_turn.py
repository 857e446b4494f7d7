"""Questions about workers, asked of a few companies or of a part of all workers at a time.

The worker of a line is that of its fact, and ClickHouse keeps the facts in memory to find it: those of all companies of
a large book are more than a query may have. The file of such a question has a part, whose rows can be found for some
companies without the others, or for some workers without the others (`Question.part`), and a last step that puts them
together. Here the part is asked in turns. ClickHouse takes the last step too, of all that was gathered, so order and
form are those of an answer in one go. Each company's rows, or each worker's, are of one moment; those of two need not
be.

- A part about companies is asked of as many at a time as have RECORDS_MAX facts and RECORDS_MAX lines, in the order of
  their ids: ClickHouse reads little else.
- A part about workers in whatever companies they are is asked of those whose token's hash leaves the same remainder.
  ClickHouse reads all facts and lines in each turn, so these are larger: of about TURN_RECORDS_MAX.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from peserta.operations.failure import Rejected
from peserta.operations.sql_reading import quoted
from sinks.questions.headers import COMPANY_PARAMETER, Question

RECORDS_MAX: Final = 1_000_000  # of companies that are asked about together; one that has more is asked about alone
TURN_RECORDS_MAX: Final = 4_000_000  # facts or lines of the workers who are asked about together
IDS_BYTES_MAX: Final = 100_000  # of their ids: ClickHouse takes 131,072 in a parameter
# Of the rows of all turns. The last step needs up to 35 times as much memory: 2 GiB are enough for so many.
GATHERED_BYTES_MAX: Final = 50_000_000
WITH_TYPES: Final = "JSONCompactEachRowWithNamesAndTypes"  # a line of names, one of types, a line for each row
FORMAT_CLAUSE_MAX: Final = 100  # bytes that the client writes behind a query

OnTurn = Callable[[int, int], None]  # turns that are done, and all of them


def no_turn(done: int, turns: int) -> None:
    """Shows nothing."""


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT with its parameters, and the settings that it needs."""

    select: str
    parameters: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)


def in_turn(client: Client, question: Question, values: Mapping[str, str], on_turn: OnTurn) -> Query:
    """What gives the answer. Where it is about more workers than can be asked about together, they have been asked
    about in turn; `on_turn` is called before each turn and after the last. Rejected when they have too much to say,
    ClickHouseError like any query."""
    part = question.part
    turns = _turns(client, question, values)
    if part is None or len(turns) < 2:
        return Query(question.select, values)
    rows: list[str] = []
    size, names, types = 0, "", ""
    for number, turn in enumerate(turns):
        on_turn(number, len(turns))
        said = client.raw_query(part, parameters=turn, fmt=WITH_TYPES)
        names, types, found = said.decode().split("\n", 2)
        rows += filter(None, found.split("\n"))
        size += len(said)
        if size > GATHERED_BYTES_MAX:
            advice = "of one company at a time, or with an earlier date"
            if question.is_of_workers:
                advice = "about a shorter period"
            raise Rejected(
                f"The rows of all companies have more than {GATHERED_BYTES_MAX // 1_000_000} MB: ask {advice}."
            )
    on_turn(len(turns), len(turns))
    select = question.put_together(_gathered(json.loads(names), json.loads(types), rows))
    return Query(select, {}, {"max_query_size": len(select.encode()) + FORMAT_CLAUSE_MAX})


def of_companies(values: Mapping[str, str], companies: Iterable[str]) -> dict[str, str]:
    """The values of a question that is asked of these companies alone; their ids have no more than IDS_BYTES_MAX."""
    return {**values, COMPANY_PARAMETER: " ".join(companies)}


def _turns(client: Client, question: Question, values: Mapping[str, str]) -> list[dict[str, str]]:
    """The values for each turn; none where the question cannot be asked in turns, or is about one company."""
    if question.part is None or values.get(COMPANY_PARAMETER):
        return []
    if question.is_of_workers:
        query = "SELECT greatest((SELECT count() FROM fact_workers), (SELECT count() FROM ledger))"
        ((records,),) = client.query(query).result_rows
        turns = -(-int(records) // TURN_RECORDS_MAX)
        return [{**values, "turn": str(turn), "turns": str(turns)} for turn in range(turns)]
    query = """SELECT company_id, max(records) FROM (
        SELECT company_id, count() AS records FROM ledger GROUP BY company_id
        UNION ALL SELECT company_id, count() FROM fact_workers GROUP BY company_id
    ) GROUP BY company_id ORDER BY company_id"""
    companies = client.query(query).result_rows
    return [of_companies(values, turn) for turn in turns_of((company_id, records) for company_id, records in companies)]


def turns_of(companies: Iterable[tuple[str, int]]) -> list[list[str]]:
    """The companies of each turn, in their order; given with the number of their records."""
    turns: list[list[str]] = []
    together = size = 0
    for company_id, records in companies:
        together, size = together + records, size + id_size(company_id)
        if not turns or together > RECORDS_MAX or size > IDS_BYTES_MAX:
            turns.append([])
            together, size = records, id_size(company_id)
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
