"""What the random books are asked: parameters of each question, and the naive answers to all of them."""

from random import Random
from typing import Final

from schemas.dates import day, day_text, instant_text, jakarta_day, jakarta_midnight
from sinks.questions.headers import FLAG, Question
from tests.support.contribution_answers import contributions
from tests.support.question_answers import ANSWERS as COMPANY_ANSWERS
from tests.support.question_answers import Answer, Values
from tests.support.question_books import COMPANIES, FIRST, POLICIES, QuestionBook
from tests.support.worker_answers import WORKER_ANSWERS

DRAWS: Final = 6  # that differ in kind: as of the latest date, at a moment, a short or a long period
BEYOND: Final = "2199-12-31T23:59:59.999Z"
ANSWERS: Final[dict[str, Answer]] = COMPANY_ANSWERS | WORKER_ANSWERS | {"contributions": contributions}
CHOICES: Final = {"by": ("none", "regency", "kbli", "size", "employment_type")}


def drawn(book: QuestionBook, question: Question, random: Random, number: int) -> Values:
    """Parameters of a question for a draw from 0 to DRAWS - 1: dates and moments of the book, and those beyond it."""
    # Dates on which something happened find more than others.
    busy = sorted(
        {jakarta_day(x.recorded_at) for x in book.letters} if question.name == "refused" else book.value_dates
    )
    first, second = sorted(random.sample(busy if number % 2 else range(FIRST - 20, book.latest + 40), 2))
    if number == DRAWS - 1:
        first = day("2025-03-31")
    drawn: Values = {
        "as_of": day_text(book.latest if number == 0 else random.randint(FIRST - 5, book.latest + 20)),
        "from": day_text(FIRST - 50 if number == 0 else first),
        "to": day_text(first if number == 1 else book.latest if number == 0 else max(first, second)),
        "known_at": BEYOND if number < 2 else instant_text(jakarta_midnight(random.randint(FIRST + 5, book.latest))),
        "policy": POLICIES[number % len(POLICIES)],
        "company": random.choice(["", *COMPANIES[:3]]),
        "month": random.choice(["2015-06", "2025-03", "2025-04", "2025-05", "2025-06"]),
        "wage": "" if number % 3 else "3122805",
        "within_days": random.choice(["0", "7", "60"]),
    }
    for each, words in CHOICES.items():
        drawn[each] = words[(number + random.randint(0, 4)) % len(words)]
    return {each.name: drawn[each.name] for each in question.asked if each.kind != FLAG}
