"""Who may do what: the one place that decides it, for HTTP, streams, console and downloads alike (SEMANTICS 12)."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from schemas.keys import ADMIN, OFFICER, PUBLISHER, READER, Key
from schemas.records import Fact
from schemas.vocabulary import KINDS
from sinks.questions.headers import Question


class Act(Enum):
    """What can be asked for with a key."""

    POST_FACTS = "post facts"
    FOLLOW_FACTS = "ask what became of facts"
    READ_FIGURES = "read figures, alerts and answers to questions"
    READ_WORKERS = "read answers in which workers are named by their tokens"
    HANDLE_ALERTS = "acknowledge, assign and note alerts"
    MANAGE_KEYS = "manage keys"


ACTS_OF_ROLE: Final[Mapping[str, frozenset[Act]]] = {
    PUBLISHER: frozenset((Act.POST_FACTS, Act.FOLLOW_FACTS)),
    READER: frozenset((Act.READ_FIGURES, Act.READ_WORKERS)),
    OFFICER: frozenset((Act.READ_FIGURES, Act.READ_WORKERS, Act.HANDLE_ALERTS)),
    ADMIN: frozenset(Act),
}


class Denial(Enum):
    """Why a key may not do what was asked for. No sentence repeats what was asked about."""

    ROLE = "The role of this key does not include this."
    COMPANY = "This key is not for this company."
    TYPE = "This key may not post facts of this type."
    SOURCE = "This key may not post facts of this source."
    TOGETHER = "This key is for some companies, and a row of this answer speaks of all companies together."


# The field of a fact that a denial is about.
FIELD_OF_DENIAL: Final[Mapping[Denial, str | None]] = {
    Denial.ROLE: None,
    Denial.COMPANY: "company_id",
    Denial.TYPE: "type",
    Denial.SOURCE: "source",
    Denial.TOGETHER: None,
}


def denial(
    key: Key, act: Act, *, company: str | None = None, type: str | None = None, source: str | None = None
) -> Denial | None:
    """Why this key may not do this, or None when it may. `company`, `type` and `source` are None where the question is
    about none in particular; whether the key is valid at all is asked before (`Key.is_valid`)."""
    if act not in ACTS_OF_ROLE[key.role]:
        return Denial.ROLE
    if _outside(company, key.companies):
        return Denial.COMPANY
    if _outside(type, key.types):
        return Denial.TYPE
    return Denial.SOURCE if _outside(source, key.sources) else None


def companies_seen(key: Key) -> tuple[str, ...] | None:
    """The companies of which answers to this key may speak; None: all."""
    return key.companies


def denial_of_answer(key: Key, question: Question) -> Denial | None:
    """Why this key may have no row of the answer to a question, or None when it may have those of its companies."""
    denied = denial(key, Act.READ_WORKERS if question.names_workers else Act.READ_FIGURES)
    if denied is None and companies_seen(key) is not None and not question.companies:
        return Denial.TOGETHER
    return denied


def denial_of_fact(key: Key, fact: Fact) -> Denial | None:
    """Why this key may not post this fact, or None when it may."""
    return denial(key, Act.POST_FACTS, company=fact.company_id, type=KINDS[fact.kind], source=fact.source)


def _outside(value: str | None, limit: tuple[str, ...] | None) -> bool:
    return value is not None and limit is not None and value not in limit
