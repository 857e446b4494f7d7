"""`GET /v1/questions` and `GET /v1/questions/{name}`: what analysts ask (SEMANTICS 14), as `peserta ask` answers it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from peserta.api import parameters
from peserta.api.accept import ANSWERED_AS, form_of
from peserta.api.entrance import Entrance
from peserta.api.limits import Limits
from peserta.api.problems import Problem
from peserta.api.turns import Turns
from peserta.operations.permissions import Act, companies_seen, denial_of_answer
from peserta.operations.question_reading import Answers, Wanted, Written
from peserta.operations.questions import YES, TooManyRows, WrongParameter, checked
from peserta.operations.questions import Request as Asked
from schemas.dates import day_text, instant_text
from schemas.keys import Key
from schemas.public_json import JsonObject
from sinks.questions.headers import DATE, FLAG, INSTANT, NO, NO_UNIT, Column, Parameter, Question, questions

FORMAT: Final = "format"  # of the answer; every other parameter is one of the question
AS_OF: Final = "Peserta-As-Of"
NOTES: Final = "Peserta-Notes"
NOTES_LENGTH_MAX: Final = 4_000  # of the header, in characters: proxies take few kilobytes
RETRY_S: Final = 2


class QuestionsDoor:
    """Answers questions, a few at a time."""

    def __init__(self, answers: Answers, entrance: Entrance, turns: Turns, limits: Limits) -> None:
        self._answers, self._entrance, self._turns, self._limits = answers, entrance, turns, limits
        self._being_sent = _Room()

    async def all(self, request: Request) -> Response:
        """The questions, with parameters and columns. ClickHouse is not asked."""
        with self._entrance.entered(request, Act.READ_FIGURES) as key:
            return JSONResponse({"questions": [_listed(key, question) for question in questions()]})

    async def one(self, request: Request) -> Response:
        """The whole answer to a question. Raises Problem for an unknown one, wrong parameters, a key that may not have
        it, too many rows, or without ClickHouse."""
        with self._entrance.entered(request, Act.READ_FIGURES) as key:
            question = _named(request.path_params["name"])
            form, media = form_of(request.headers, parameters.text(request, FORMAT))
            asked = _asked(request, question)
            if denied := denial_of_answer(key, asked.question):
                raise Problem("not-allowed", denied.value)
            if self._being_sent.bytes >= self._limits.answers_bytes:
                raise Problem("not-now", "Too many answers are being sent at the moment.", retry_after_s=RETRY_S)
            wanted = Wanted(asked, form, companies_seen(key), self._limits.answer_rows)
            found = await self._turns.answer(lambda: self._written(wanted))
        headers = {"Vary": "Accept"} | ({} if found.as_of is None else {AS_OF: found.as_of})
        if notes := _notes(found.notes):
            headers[NOTES] = notes
        return _Answer(self._being_sent, found.content, headers, media)

    async def _written(self, wanted: Wanted) -> Written:
        try:
            return await self._answers.written(wanted)
        except TooManyRows as error:
            detail = (
                f"An answer has at most {wanted.rows_max} rows here: ask about less, or ask with `peserta ask`, which "
                "takes more."
            )
            raise Problem("too-many-rows", detail) from error


class _Room:
    """How many bytes of answers are being sent."""

    bytes = 0


class _Answer(Response):
    """An answer; it counts in its room until it is sent."""

    def __init__(self, room: _Room, content: bytes, headers: Mapping[str, str], media: str) -> None:
        super().__init__(content, 200, headers, media)
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See Starlette's Response."""
        self._room.bytes += len(self.body)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._room.bytes -= len(self.body)


def _notes(said: Sequence[str]) -> str:
    """The sentences as a JSON array in ASCII, whatever they name: the first ones, as many as fit. Empty for none."""
    kept: list[str] = []
    for sentence in said:
        if len(json.dumps([*kept, sentence])) > NOTES_LENGTH_MAX:
            break
        kept.append(sentence)
    return json.dumps(kept) if kept else ""


def _named(name: str) -> Question:
    for question in questions():
        if question.name == name:
            return question
    raise Problem("not-found", "There is no such question: GET /v1/questions lists them.")


def _asked(request: Request, question: Question) -> Asked:
    """The question with what was given. No problem repeats a value."""
    given: dict[str, str] = {}
    known = {parameter.name: parameter for parameter in question.asked}
    try:
        for name in request.query_params:
            if name == FORMAT:
                continue
            found = _value(request, known[name]) if name in known else ""
            if found is not None:
                given[name] = found
        return checked(question, given)
    except WrongParameter as error:
        raise Problem("wrong-parameter", error.rule) from None


def _value(request: Request, parameter: Parameter) -> str | None:
    """What was given for a parameter, as the operation takes it."""
    name = parameter.name
    if parameter.kind == DATE:
        on = parameters.date(request, name)
        return None if on is None else day_text(on)
    if parameter.kind == INSTANT:
        at = parameters.moment(request, name)
        return None if at is None else instant_text(at)
    if parameter.kind == FLAG:
        return YES if parameters.truth(request, name) else NO
    return parameters.text(request, name)


def _listed(key: Key, question: Question) -> JsonObject:
    return {
        "name": question.name,
        "title": question.title,
        "sentence": question.sentence,
        "parameters": [_parameter(each) for each in question.asked],
        "columns": [_column(each) for each in question.columns],
        "names_workers": question.names_workers,
        "allowed": denial_of_answer(key, question) is None,
        "forms": list(ANSWERED_AS.values()),
    }


def _parameter(parameter: Parameter) -> JsonObject:
    is_flag = parameter.kind == FLAG
    default: Any = None if parameter.is_required else False if is_flag else parameter.default
    return {
        "name": parameter.name,
        "kind": "choice" if parameter.choices else parameter.kind,
        "choices": list(parameter.choices),
        "required": parameter.is_required,
        "default": default,
        "meaning": parameter.meaning,
    }


def _column(column: Column) -> JsonObject:
    return {
        "name": column.name,
        "unit": None if column.unit == NO_UNIT else column.unit,
        "meaning": column.meaning,
    }
