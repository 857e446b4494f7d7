"""The queries of a demonstration's screen: the registry, coverage by month, and three questions of an analyst."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from peserta.operations.clickhouse_reading import analyst
from peserta.settings import Settings

MONTHS_SHOWN: Final = 15


@dataclass(frozen=True, slots=True)
class Question:
    """A question of an analyst, and the query that answers it."""

    text: str
    sql: str


QUESTIONS: Final = (
    Question(
        "Where is the statutory gap widest? The law asks for all workers, whatever a policy asks.",
        """SELECT regency, sum(active) AS workers, sum(uncovered) AS uncovered, sum(uncovered_new) AS of_them_new
FROM coverage_current GROUP BY regency ORDER BY uncovered DESC LIMIT 5""",
    ),
    Question(
        "Who moved most in the last 90 days, in points of coverage?",
        """SELECT company_id,
    round(argMin(coverage_bp, date) / 100, 2) AS before, round(argMax(coverage_bp, date) / 100, 2) AS now,
    round(now - before, 2) AS points FROM coverage_daily AS d
INNER JOIN (SELECT company_id, as_of FROM coverage_current) AS c USING (company_id)
WHERE date > as_of - 90 AND coverage_bp IS NOT NULL GROUP BY company_id ORDER BY abs(points) DESC LIMIT 5""",
    ),
    Question(
        "How late do facts arrive? Days from the date on which they hold until they are recorded.",
        """SELECT source, count() AS facts, quantileExact(0.5)(late) AS median, quantileExact(0.95)(late) AS p95,
    max(late) AS most
FROM (SELECT source, dateDiff('day', effective_on, toDate(recorded_at, 'Asia/Jakarta')) AS late FROM journal)
GROUP BY source ORDER BY p95 DESC LIMIT 5""",
    ),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A question with the result of its query."""

    question: Question
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """The results. `companies`: rows of that view by id. `months`: company -> coverage_bp at the last month ends,
    oldest first. `answers` are in the order of QUESTIONS."""

    companies: Mapping[str, Mapping[str, Any]]
    months: Mapping[str, Sequence[int | None]]
    answers: tuple[Answer, ...]


def ask(settings: Settings) -> Asked:
    """Run all queries. Raises Failed if ClickHouse does not answer."""
    with analyst(settings) as client:
        companies = {row["company_id"]: row for row in client.query("SELECT * FROM companies").named_results()}
        return Asked(companies, _months(client), tuple(_answer(client, question) for question in QUESTIONS))


def _answer(client: Client, question: Question) -> Answer:
    result = client.query(question.sql)
    return Answer(question, result.column_names, result.result_rows)


def _months(client: Client) -> dict[str, list[int | None]]:
    rows = client.query(
        """SELECT company_id, toStartOfMonth(date) AS month, argMax(tuple(coverage_bp), date).1 FROM coverage_daily
        WHERE date > addMonths((SELECT max(as_of) FROM coverage_current), {months:Int32})
        GROUP BY company_id, month ORDER BY company_id, month""",
        parameters={"months": -MONTHS_SHOWN},
    ).result_rows
    found: dict[str, list[int | None]] = defaultdict(list)
    for company_id, _, coverage_bp in rows:
        found[company_id].append(coverage_bp)
    return dict(found)
