"""The fate of facts that were sent, and the errors of sending."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx2

from peserta_client.facts import Fact

SHOWN_MAX: Final = 5  # refusals in the text of an error
REFUSED: Final = "urn:peserta:problem:refused"  # all_or_nothing: a fact was refused, so that none was published
FOREIGN: Final = "The answer is not one of Peserta's door: is the URL right?"


@dataclass(frozen=True, slots=True)
class RefusedFact:
    """A fact that the service refused. `reason` is one of SEMANTICS 2, or `not_allowed`; `message` repeats no value."""

    fact: Fact
    reason: str
    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Published:
    """The fate of facts. `accepted` are in Kafka for good. The `refused` will not be accepted unless changed.

    The two add up to the facts that were sent, except when `all_or_nothing` facts were refused: then `accepted` is 0.
    """

    accepted: int = 0
    refused: tuple[RefusedFact, ...] = ()

    def __add__(self, later: "Published") -> "Published":
        return Published(self.accepted + later.accepted, self.refused + later.refused)

    def raise_for_refused(self) -> "Published":
        """Return self. Raises FactsRefused if a fact was refused."""
        if self.refused:
            raise FactsRefused(self)
        return self


class PublishingFailed(Exception):
    """Facts could not be sent. `published` is the fate of those sent before.

    Send all of them again: the service counts each event_id once.
    """

    def __init__(self, words: str, published: Published | None = None) -> None:
        super().__init__(words)
        self.published = published or Published()


class Unavailable(PublishingFailed):
    """The door could not be reached, or did not accept the facts, after all attempts. Try again later."""


class Rejected(PublishingFailed):
    """The door refuses requests like this one: the key, URL or program is wrong. `status` is the HTTP status."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class FactsRefused(Exception):
    """Some facts were refused, the others accepted. `published` says which. The message repeats no value of a fact."""

    def __init__(self, published: Published) -> None:
        shown = "; ".join(f"{one.reason}: {one.message}" for one in published.refused[:SHOWN_MAX])
        more = len(published.refused) - SHOWN_MAX
        super().__init__(
            f"{len(published.refused)} facts were refused and {published.accepted} accepted. {shown}"
            + (f"; and {more} more" if more > 0 else "")
        )
        self.published = published


def published_of(response: httpx2.Response, facts: Sequence[Fact]) -> Published:
    """The fate of a batch's facts by an answer with status 200, or by the refusal of all of them.

    Raises PublishingFailed if the answer is not one of Peserta's door, or does not cover every fact: then nothing
    counts as accepted.
    """
    try:
        answer = response.json()
        refused = tuple(_refused(one, facts) for one in answer["refused"])
        accepted = answer["accepted"]
    except (ValueError, TypeError, KeyError, IndexError):
        accepted, refused = None, ()
    told = len(facts) if is_refusal_of_all(response) and accepted == 0 and refused else None
    if told is None and type(accepted) is int:
        told = accepted + len(refused)
    if told != len(facts):
        raise PublishingFailed("The answer does not say what became of every fact: is the URL that of Peserta's door?")
    return Published(accepted, refused)


def is_refusal_of_all(response: httpx2.Response) -> bool:
    """Whether nothing was published because a fact of an `all_or_nothing` request was refused."""
    if response.status_code != HTTPStatus.UNPROCESSABLE_ENTITY:
        return False
    try:
        return bool(response.json()["type"] == REFUSED)
    except (ValueError, TypeError, KeyError):
        return False


def rejection_of(response: httpx2.Response) -> Rejected:
    """The error for an answer that repeating the request would not change."""
    try:
        problem = response.json()
        words = f"{problem['title']}. {problem['detail']}"
    except (ValueError, TypeError, KeyError):
        words = FOREIGN
    return Rejected(response.status_code, f"The door answered {response.status_code}: {words}")


def _refused(one: Mapping[str, Any], facts: Sequence[Fact]) -> RefusedFact:
    line = one["line"]
    if type(line) is not int or line < 1:
        raise ValueError("a line is numbered from 1")
    return RefusedFact(facts[line - 1], str(one["reason"]), one["field"], str(one["message"]))
