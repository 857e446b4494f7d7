"""`make questions BOOKS=300`: every question on random books, compared with the naive book."""

import asyncio
import time
from collections import Counter
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from deploy.embedded.stack import Stack
from peserta.settings import read_settings
from sinks.questions.headers import questions
from tests.questions.books import Compared, compare_books
from tests.support.question_answers import Answer
from tests.support.question_draws import ANSWERS, DRAWS

WIDTH: Final = 110  # even without a terminal
DATABASE: Final = "question_books"
console = Console(width=WIDTH)


def main(
    books: Annotated[int, typer.Option(min=1, help="How many books.")] = 300,
    first: Annotated[int, typer.Option(help="The seed of the first book; the others follow.")] = 1,
    draws: Annotated[int, typer.Option(min=1, max=DRAWS, help="How often each question is asked of a book.")] = 2,
    only: Annotated[list[str] | None, typer.Option(help="Ask this question alone; can be given several times.")] = None,
) -> None:
    """Ask every question of random books, as of random dates and as known at random moments. Exit code 1 if an answer
    is not the one that a recount of the journal gives.
    """
    if unknown := {*(only or ())} - ANSWERS.keys():
        raise typer.BadParameter(f"no question {', '.join(sorted(unknown))}; there are {', '.join(ANSWERS)}")
    answers = {name: ANSWERS[name] for name in only or ANSWERS}
    began_s = time.monotonic()
    with Stack(kafka=False, console=console) as stack:
        compared = asyncio.run(_run(stack.clickhouse_url, range(first, first + books), draws, answers))
    seconds = time.monotonic() - began_s
    wrong = sum(len(each.wrong) for each in compared)
    console.print(_table(compared))
    merged = sum(each.merged for each in compared)
    console.print(
        f"{len(compared)} books ({merged} merged, the others with every row twice), "
        f"{sum(each.answers for each in compared):,} answers in {seconds:.0f} s; {wrong} not as recounted"
    )
    raise typer.Exit(1 if wrong else 0)


async def _run(url: str, seeds: range, draws: int, answers: dict[str, Answer]) -> list[Compared]:
    settings, done = read_settings(clickhouse_url=url, clickhouse_database=DATABASE), []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task("books", total=len(seeds))
        async for found in compare_books(settings, seeds, draws, answers):
            done.append(found)
            progress.advance(task)
            for sentence in found.wrong:
                progress.console.print(sentence, markup=False)
    return done


def _table(compared: list[Compared]) -> Table:
    """How many rows were compared, and in how many books a question had some."""
    rows, books = Counter[str](), Counter[str]()
    for each in compared:
        rows.update(each.rows)
        books.update(name for name, count in each.rows.items() if count)
    shown = Table("question", "rows compared", "books with rows", title="Questions")
    for column in shown.columns[1:]:
        column.justify = "right"
    for question in questions():
        if question.name in rows:
            shown.add_row(question.name, f"{rows[question.name]:,}", str(books[question.name]))
    return shown


if __name__ == "__main__":
    typer.run(main)
