"""Random books in one database, one after the other: each question asked of each, and compared with the recount."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final
from unittest.mock import patch

from clickhouse_connect.driver.client import Client

from peserta.operations import questions_in_turn
from peserta.operations.clickhouse_reading import analyst
from peserta.settings import Settings
from sinks.clickhouse.buckets import BITS
from sinks.questions.headers import questions
from tests.support.contribution_answers import not_asked
from tests.support.question_answers import Answer
from tests.support.question_books import QuestionBook, put_book, random_book
from tests.support.question_draws import ANSWERS, DRAWS, drawn
from tests.support.sink_database import Database, made_database

KEPT: Final = "migrations"  # the table that says which statements have run
TOGETHER: Final = (1, 40, 1_000_000)  # how many records companies may have that are asked about together
IN_A_TURN: Final = (30, 100, 1_000_000)  # about how many records workers have who are asked about together
STRIDE: Final = (1 << BITS) // 20  # that many entries of a partition fill a bucket


@dataclass
class Compared:
    """What came of one book. `rows`: by question; `wrong`: a sentence for each answer that differs."""

    seed: int
    merged: bool
    answers: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


async def compare_books(
    settings: Settings, seeds: Iterable[int], draws: int, answers: dict[str, Answer] = ANSWERS
) -> AsyncIterator[Compared]:
    """Ask each book in turn the questions of `answers`, in a new database of the name in the settings, over one
    connection. Books with an even seed are asked after a merge, the others while every row is there twice. Two of three
    have some buckets added up."""
    async with made_database(settings.clickhouse_url, settings.clickhouse_database) as database:
        try:
            with analyst(settings) as client:
                for seed in seeds:
                    book, found = random_book(seed), Compared(seed, merged=seed % 2 == 0)
                    await put_book(database, book, stride=1 if seed % 3 == 0 else STRIDE)
                    if found.merged:
                        await database.merge()
                    await asyncio.to_thread(_compare, client, book, found, draws, answers)
                    yield found
                    await _empty(database)
        finally:
            await database.client.command(f"DROP DATABASE {settings.clickhouse_database}")


def _compare(client: Client, book: QuestionBook, found: Compared, draws: int, answers: dict[str, Answer]) -> None:
    for question in questions():
        if question.name not in answers:
            continue
        random = Random(f"{question.name} {found.seed}")
        for number in random.sample(range(DRAWS), draws):
            values = drawn(book, question, random, number)
            wanted = answers[question.name](book, values)
            # Some in one go, some of a few companies or workers at a time, some of each company alone.
            together, in_a_turn = random.choice(TOGETHER), random.choice(IN_A_TURN)
            with patch.multiple(questions_in_turn, RECORDS_MAX=together, TURN_RECORDS_MAX=in_a_turn):
                whole = {**values, **not_asked(question)}
                query = questions_in_turn.in_turn(client, question, whole, questions_in_turn.no_turn)
            asked = client.query(query.select, parameters=dict(query.parameters), settings=dict(query.settings))
            rows = [tuple(row) for row in asked.result_rows]
            found.answers += 1
            found.rows[question.name] = found.rows.get(question.name, 0) + len(rows)
            if rows != wanted:
                found.wrong.append(f"seed {found.seed}: {question.name} {values}: {len(rows)} rows, not as recounted")


async def _empty(database: Database) -> None:
    query = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    for row in await database.rows(query):
        if row["name"] != KEPT:
            await database.client.command(f"TRUNCATE TABLE {row['name']}")
