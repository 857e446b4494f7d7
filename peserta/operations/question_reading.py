"""Answers to questions for a process that serves many: written by ClickHouse within seconds, and never too long."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from peserta.operations.contributions import remarks
from peserta.operations.failure import Unavailable
from peserta.operations.questions import Form, Request, limited_answer, resolved
from peserta.settings import Settings
from schemas.secret_file import SecretFault

ANSWER_LIMIT_S: Final = 10  # for each query of an answer


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question with its values, and how its answer is to be. `companies`: rows of these only; None: all."""

    request: Request
    form: Form
    companies: Sequence[str] | None
    rows_max: int


@dataclass(frozen=True, slots=True)
class Written:
    """An answer in the form that was wanted. `as_of`: the date that it speaks of, null where the question has none;
    `notes`: sentences about what its figures leave unsaid."""

    content: bytes
    as_of: str | None
    notes: tuple[str, ...] = ()


class Answers(Protocol):
    """A source of answers."""

    async def written(self, wanted: Wanted) -> Written:
        """The answer. Raises TooManyRows for a longer one, another Failed without ClickHouse."""
        ...


class BookAnswers:
    """Answers from the current generation of an installation's book."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def written(self, wanted: Wanted) -> Written:
        """See Answers."""
        return await asyncio.to_thread(self._written, wanted)

    def _written(self, wanted: Wanted) -> Written:
        try:
            asked = resolved(self._settings, wanted.request, ANSWER_LIMIT_S)
            content = limited_answer(
                self._settings, asked, wanted.form, wanted.companies, wanted.rows_max, ANSWER_LIMIT_S
            )
            notes = remarks(self._settings, asked, wanted.companies, ANSWER_LIMIT_S)
        except SecretFault as error:
            raise Unavailable(str(error)) from error
        return Written(content, asked.values.get("as_of"), notes)
