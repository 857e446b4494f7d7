"""The state of one partition as rows of bytes: what is kept in the table and its changelog.

| key | value |
|---|---|
| `w<company> <worker>` | a worker's row (streams.core.worker) |
| `d<company> <date>` | a company's postings of one date: pairs of classes and their sums |
| `c<company>` | a company's date and its standing under each policy |
| `r<company>` | its registry entry |
| `p<policy>` | a policy, and whether it has ended |
| `s<topic> <partition>` | the last offset seen from this source |
| `b` | the book itself: format, grace period, date |
| `h` | the head of the ledger's chain (streams.bookkeeper) |

Counts are not kept: they are the sums of the days. The keys begin with letters; a key that begins with `@` belongs to
whoever stores the rows.
"""

import json
import struct
from collections.abc import Iterable, MutableMapping
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

from schemas.mappings import company_from, company_mapping, policy_from, policy_mapping
from schemas.records import Company, Day, Policy
from streams.core.company import CompanyBook, DayRow
from streams.core.standing import Standing

# Of the rows and of the rules by which they were folded: a book of another format is folded again from its journal.
# 1: without renewals.
FORMAT: Final = 2

BOOK_KEY: Final = b"b"
_DAY: Final = struct.Struct(">i")
_PAIR: Final = struct.Struct("<Ii")

_KINDS_HELD: Final = (b"s", b"p", b"c", b"r", b"d")

Rows = dict[bytes, bytes]
StateRows = MutableMapping[bytes, bytes]


@runtime_checkable
class Ranged(Protocol):
    """Rows of which those with a common beginning can be read without the others."""

    def starting_with(self, prefix: bytes) -> Iterable[tuple[bytes, bytes]]: ...


def company_key(company_id: str) -> bytes:
    return b"c" + company_id.encode()


def registered_key(company_id: str) -> bytes:
    return b"r" + company_id.encode()


def policy_key(policy_id: str) -> bytes:
    return b"p" + policy_id.encode()


def source_key(topic: str, partition: int) -> bytes:
    return b"s" + f"{topic} {partition}".encode()


def source_of(key: bytes) -> tuple[str, int]:
    topic, _, partition = key[1:].decode().rpartition(" ")
    return topic, int(partition)


def day_key(company_id: str, on: Day) -> bytes:
    return b"d" + company_id.encode() + b" " + _DAY.pack(on)


def day_of(key: bytes) -> tuple[str, Day]:
    return key[1 : -_DAY.size - 1].decode(), _DAY.unpack(key[-_DAY.size :])[0]


def pack_day(row: DayRow) -> bytes:
    # Sorted, so that the bytes do not tell which pairs were there before and have cancelled.
    if len(row) == 1:
        ((pair, quantity),) = row.items()
        return _PAIR.pack(pair, quantity) if quantity else b""
    return b"".join([_PAIR.pack(pair, quantity) for pair, quantity in sorted(row.items()) if quantity])


def unpack_day(value: bytes) -> DayRow:
    return dict(_PAIR.iter_unpack(value))


def pack_company(company: CompanyBook) -> bytes:
    today, has_facts, *standings = _standing_of(company)
    return _json({"today": today, "has_facts": has_facts, "standings": standings})


def unpack_company(company_id: str, value: bytes, policies: dict[str, tuple[Policy, bool]]) -> CompanyBook:
    fields = json.loads(value)
    company = CompanyBook(company_id, fields["today"])
    company.has_facts = fields["has_facts"]
    for policy_id, state, since, episode, episode_start in fields["standings"]:
        standing = Standing(policies[policy_id][0])
        standing.state, standing.since = state, since
        standing.episode, standing.episode_start = episode, episode_start
        company.standings.append(standing)
    company.kept = _standing_of(company)
    return company


def pack_registered(company: Company) -> bytes:
    return _json(company_mapping(company))


def unpack_registered(value: bytes) -> Company:
    return company_from(json.loads(value))


def pack_policy(policy: Policy, ended: bool) -> bytes:
    return _json({**policy_mapping(policy), "ended": ended})


def unpack_policy(value: bytes) -> tuple[Policy, bool]:
    fields = json.loads(value)
    ended = fields.pop("ended")
    return policy_from(fields), ended


def pack_number(number: int) -> bytes:
    return b"%d" % number


def pack_book(grace_days: int, today: Day) -> bytes:
    return _json({"format": FORMAT, "grace_days": grace_days, "today": today})


def unpack_book(value: bytes) -> dict[str, int]:
    fields: dict[str, int] = json.loads(value)
    return fields


class State(NamedTuple):
    """What rows say."""

    cursors: dict[tuple[str, int], int]
    policies: dict[str, tuple[Policy, bool]]
    companies: dict[str, CompanyBook]


def unpack(rows: StateRows) -> State:
    """Everything but the workers, whose rows are read when a fact of theirs arrives."""
    sources, policy_rows, standings, registered, days = _held(rows)
    cursors = {source_of(key): int(value) for key, value in sources}
    policies = {key[1:].decode(): unpack_policy(value) for key, value in policy_rows}
    companies = {key[1:].decode(): unpack_company(key[1:].decode(), value, policies) for key, value in standings}
    for key, value in registered:
        companies[key[1:].decode()].registered = unpack_registered(value)
    for key, value in days:
        company_id, on = day_of(key)
        companies[company_id].days[on] = unpack_day(value)
    for company in companies.values():
        company.posted_on = sorted(company.days)
        company.future = [on for on in company.posted_on if on > company.today]
    return State(cursors, policies, companies)


def _held(rows: StateRows) -> list[list[tuple[bytes, bytes]]]:
    """The rows of each kind that a book holds unpacked; those of workers are not read where that can be helped."""
    if isinstance(rows, Ranged):
        return [list(rows.starting_with(kind)) for kind in _KINDS_HELD]
    found: dict[bytes, list[tuple[bytes, bytes]]] = {kind: [] for kind in _KINDS_HELD}
    for key in rows:
        if key[:1] in found:
            found[key[:1]].append((key, rows[key]))
    return list(found.values())


def company_rows(company: CompanyBook) -> Rows:
    """The rows of a company that changed since the last call, its workers apart."""
    prefix = b"d" + company.company_id.encode() + b" "
    changed = {prefix + _DAY.pack(on): pack_day(row) for on, row in company.changed_days.items()}
    company.changed_days.clear()
    says = _standing_of(company)
    if says != company.kept:
        company.kept = says
        changed[company_key(company.company_id)] = pack_company(company)
    return changed


def _standing_of(company: CompanyBook) -> tuple[object, ...]:
    """What the company's row says."""
    standings = [(s.policy.policy_id, s.state, s.since, s.episode, s.episode_start) for s in company.standings]
    return company.today, company.has_facts, *standings


def _json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()
