"""Scopes of policies and subscriptions that match no registered company: reported, and applied nevertheless."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from schemas.records import Company, Scope
from streams.core.reference_rules import shown

DOUBTS_OF_A_PART_MAX: Final = 5  # reported for one list of a scope

Matches = Callable[[Company, str], bool]

# Part of a scope -> the field of a company that it is compared with, and how (as streams.core.watch does).
_PARTS: Final[Mapping[str, tuple[Callable[[Company], str | None], Matches]]] = {
    "company_ids": (lambda company: company.company_id, lambda company, wanted: company.company_id == wanted),
    "regencies": (lambda company: company.regency, lambda company, wanted: company.regency == wanted),
    "kbli_prefixes": (lambda company: company.kbli, lambda company, wanted: (company.kbli or "").startswith(wanted)),
}


def unmatched_scopes(scopes: Iterable[tuple[str, Scope]], companies: Sequence[Company]) -> Iterator[str]:
    """A sentence for each (id, scope) that matches no registered company, with the nearest known value."""
    for name, scope in scopes:
        wanted = {part: getattr(scope, part) for part in _PARTS if getattr(scope, part) is not None}
        if wanted and not companies:
            yield f"{name}: no company is registered yet, so its scope cannot be checked"
        elif wanted:
            yield from _unmatched(name, wanted, companies)


def _unmatched(name: str, wanted: Mapping[str, Sequence[str]], companies: Sequence[Company]) -> Iterator[str]:
    alone = list(_unmatched_alone(name, wanted, companies))
    yield from alone
    together = any(
        all(any(_PARTS[part][1](company, value) for value in values) for part, values in wanted.items())
        for company in companies
    )
    if not together and not alone:
        yield f"{name}: scope: no registered company matches all of {', '.join(wanted)} together"


def _unmatched_alone(name: str, wanted: Mapping[str, Sequence[str]], companies: Sequence[Company]) -> Iterator[str]:
    """The values of a scope's lists that match no company."""
    for part, values in wanted.items():
        of, matches = _PARTS[part]
        unmatched = [value for value in values if not any(matches(company, value) for company in companies)]
        known = sorted({text for company in companies if (text := of(company))})
        for value in unmatched[:DOUBTS_OF_A_PART_MAX]:
            near = _nearest(value, known, cut=part == "kbli_prefixes")
            hint = f"; the nearest known is {shown(near)}" if near else ""
            yield f"{name}: scope.{part}: no registered company matches {shown(value)}{hint}"
        if len(unmatched) > DOUBTS_OF_A_PART_MAX:
            yield f"{name}: scope.{part}: nor do {len(unmatched) - DOUBTS_OF_A_PART_MAX} others match any"


def _nearest(value: str, known: Iterable[str], *, cut: bool) -> str | None:
    """The known text that is most similar to a value, ignoring case; with `cut`, compares the beginnings of texts."""
    folded = {(text[: len(value)] if cut else text).casefold(): text for text in known}
    near = get_close_matches(value.casefold(), folded, n=1)
    return folded[near[0]] if near else None
