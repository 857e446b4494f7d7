"""Likely mistakes in valid policies: each is reported, and the policies are applied nevertheless."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from schemas.records import Company, Policy
from streams.core.reference_rules import shown

DOUBTS_OF_A_PART_MAX: Final = 5  # reported for one list of a scope

Matches = Callable[[Company, str], bool]

# Part of a scope -> the field of a company that it is compared with, and how (as streams.core.watch does).
_PARTS: Final[Mapping[str, tuple[Callable[[Company], str | None], Matches]]] = {
    "company_ids": (lambda company: company.company_id, lambda company, wanted: company.company_id == wanted),
    "regencies": (lambda company: company.regency, lambda company, wanted: company.regency == wanted),
    "kbli_prefixes": (lambda company: company.kbli, lambda company, wanted: (company.kbli or "").startswith(wanted)),
}


def unmatched_scopes(policies: Iterable[Policy], companies: Sequence[Company]) -> Iterator[str]:
    """A sentence for each scope that matches no registered company, with the nearest known value."""
    for policy in policies:
        wanted = {part: getattr(policy.scope, part) for part in _PARTS if getattr(policy.scope, part) is not None}
        if wanted and not companies:
            yield f"{policy.policy_id}: no company is registered yet, so its scope cannot be checked"
        elif wanted:
            yield from _unmatched(policy.policy_id, wanted, companies)


def _unmatched(policy_id: str, wanted: Mapping[str, Sequence[str]], companies: Sequence[Company]) -> Iterator[str]:
    alone = list(_unmatched_alone(policy_id, wanted, companies))
    yield from alone
    together = any(
        all(any(_PARTS[part][1](company, value) for value in values) for part, values in wanted.items())
        for company in companies
    )
    if not together and not alone:
        yield f"{policy_id}: scope: no registered company matches all of {', '.join(wanted)} together"


def _unmatched_alone(
    policy_id: str, wanted: Mapping[str, Sequence[str]], companies: Sequence[Company]
) -> Iterator[str]:
    """The values of a scope's lists that match no company."""
    for part, values in wanted.items():
        of, matches = _PARTS[part]
        unmatched = [value for value in values if not any(matches(company, value) for company in companies)]
        known = sorted({text for company in companies if (text := of(company))})
        for value in unmatched[:DOUBTS_OF_A_PART_MAX]:
            near = _nearest(value, known, cut=part == "kbli_prefixes")
            hint = f"; the nearest known is {shown(near)}" if near else ""
            yield f"{policy_id}: scope.{part}: no registered company matches {shown(value)}{hint}"
        if len(unmatched) > DOUBTS_OF_A_PART_MAX:
            yield f"{policy_id}: scope.{part}: nor do {len(unmatched) - DOUBTS_OF_A_PART_MAX} others match any"


def _nearest(value: str, known: Iterable[str], *, cut: bool) -> str | None:
    """The known text that is most similar to a value, ignoring case; with `cut`, compares the beginnings of texts."""
    folded = {(text[: len(value)] if cut else text).casefold(): text for text in known}
    near = get_close_matches(value.casefold(), folded, n=1)
    return folded[near[0]] if near else None


def unraised_versions(policies: Iterable[Policy], standing: Mapping[str, object]) -> Iterator[str]:
    """A sentence for each policy whose content differs from the current one although its version was not raised."""
    for policy in policies:
        before = standing.get(policy.policy_id)
        if not isinstance(before, Policy) or before == policy or policy.version > before.version:
            continue
        below = "the same" if policy.version == before.version else f"below the standing {before.version}"
        yield (
            f"{policy.policy_id}: its content is other than that of the standing policy, and its version "
            f"({policy.version}) is {below}: raise it, so that alerts tell the two apart"
        )
