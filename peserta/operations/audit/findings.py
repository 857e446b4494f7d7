"""What an audit finds: things compared, and those missing, extra or different, with the first few named."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

NAMED_MAX: Final = 5
HASH_DIGITS: Final = 8  # of the hash that names a worker
EVERYWHERE: Final = "the whole book"
UNREADABLE: Final = "every record can be read"


@dataclass(slots=True)
class Finding:
    """One comparison in one place (a partition, or the whole)."""

    claim: str
    where: str
    compared: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    named: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (self.missing or self.extra or self.different)

    def wrong(self, kind: str, what: object) -> None:
        """Count one thing as `missing`, `extra` or `different`, and name it if there is room."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.named) < NAMED_MAX:
            self.named.append(f"{kind}: {what}")

    def take_in(self, other: "Finding") -> None:
        """Add what the same comparison found elsewhere."""
        self.compared += other.compared
        self.missing += other.missing
        self.extra += other.extra
        self.different += other.different
        self.named += other.named[: NAMED_MAX - len(self.named)]


def by_claim(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for each claim, over all places, in the order in which the claims first come."""
    claims: dict[str, Finding] = {}
    for finding in findings:
        claims.setdefault(finding.claim, Finding(finding.claim, EVERYWHERE)).take_in(finding)
    return [*claims.values()]


def unreadable(where: str, error: Exception) -> Finding:
    """A finding about a record that the service cannot have written; the records after it were not checked."""
    finding = Finding(UNREADABLE, where, 1)
    finding.wrong("different", error)
    return finding


def compare(
    claim: str,
    where: str,
    expected: Mapping[Any, Hashable],
    found: Mapping[Any, Hashable],
    *,
    name: Callable[[Any], object] = lambda key: key,
) -> Finding:
    """Compare key by key. Findings name keys only, in the form of `name`, because values may be personal."""
    finding = Finding(claim, where, len(expected))
    for key, value in expected.items():
        if key not in found:
            finding.wrong("missing", name(key))
        elif found[key] != value:
            finding.wrong("different", name(key))
    for key in found:
        if key not in expected:
            finding.wrong("extra", name(key))
    return finding


def out_of_order(group_of: Mapping[Any, Hashable], found: Collection[Any]) -> Iterator[Any]:
    """For each group the first thing that is out of order. `group_of` has the things in their due order; what is
    missing or extra in `found` is ignored."""
    orders = []
    for things in ((one for one in group_of if one in found), (one for one in found if one in group_of)):
        by_group = defaultdict[Hashable, list[Any]](list)
        for one in things:
            by_group[group_of[one]].append(one)
        orders.append(by_group)
    due, stands = orders
    for group in due:
        yield from islice((one for one, other in zip(stands[group], due[group], strict=True) if one != other), 1)


def row_name(key: bytes) -> str:
    """The name of a row of the state. A worker's row is named by company and a hash, because tokens must not be
    shown."""
    text = key.decode(errors="backslashreplace")
    if not text.startswith("w"):
        return text
    company, _, _ = text.partition(" ")
    return f"{company} (worker {hashlib.sha256(key).hexdigest()[:HASH_DIGITS]})"
