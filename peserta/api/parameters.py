"""Parameters of a query: each at most once, and each of its own form."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from peserta.api.limits import Limits
from peserta.api.problems import Problem
from schemas.dates import BUSINESS_DATE_MAX, EFFECTIVE_FIRST, day, day_text, instant
from schemas.records import Day, Instant

TRUTHS: Final[Mapping[str, bool]] = {"true": True, "false": False}
PAGE_USUAL: Final = 100
DIGITS_MAX: Final = 6


def text(request: Request, name: str) -> str | None:
    """The parameter; None without it. Raises Problem `wrong-parameter` if it is given twice."""
    said = request.query_params.getlist(name)
    if len(said) > 1:
        raise Problem("wrong-parameter", f"{name} is given more than once.")
    return said[0] if said else None


def truth(request: Request, name: str) -> bool:
    """`true` or `false`, which is the default. Raises Problem `wrong-parameter` for anything else."""
    said = text(request, name)
    if said is not None and said not in TRUTHS:
        raise Problem("wrong-parameter", f"{name} must be true or false.")
    return TRUTHS[said or "false"]


def date(request: Request, name: str) -> Day | None:
    """A business date; None without it. Raises Problem `wrong-parameter` for anything else."""
    said = text(request, name)
    if said is None:
        return None
    first, last = EFFECTIVE_FIRST, BUSINESS_DATE_MAX
    try:
        if first <= (found := day(said)) <= last:
            return found
    except ValueError:
        pass
    raise Problem("wrong-parameter", f"{name} must be a date, YYYY-MM-DD, from {day_text(first)} to {day_text(last)}.")


def moment(request: Request, name: str) -> Instant | None:
    """An instant; None without it. Raises Problem `wrong-parameter` for anything else."""
    said = text(request, name)
    if said is None:
        return None
    try:
        return instant(said)
    except ValueError:
        raise Problem(
            "wrong-parameter",
            f"{name} must be an instant of 2000 to 2199 in RFC 3339 with an offset. In a URL, write + as %2B.",
        ) from None


def limit(request: Request, limits: Limits) -> int:
    """How many rows of a page are wanted. Raises Problem `wrong-parameter` unless it is from 1 to the most."""
    said = text(request, "limit")
    if said is None:
        return min(PAGE_USUAL, limits.page)
    found = int(said) if said.isascii() and said.isdigit() and len(said) <= DIGITS_MAX else 0
    if not 1 <= found <= limits.page:
        raise Problem("wrong-parameter", f"limit must be a number from 1 to {limits.page}.")
    return found
