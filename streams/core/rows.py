"""The state of one partition as rows of bytes, as the table and its changelog have them.

| key | value |
|---|---|
| `w<company> <worker>` | a worker's row (streams.core.worker) |
| `d<company> <date>` | a company's postings of one date: pairs of classes and their sums |
| `c<company>` | a company's date and its state under each policy |
| `r<company>` | its registry entry |
| `p<policy>` | a policy, and whether it has ended |
| `s<topic> <partition>` | the last offset seen from this source |
| `b` | the book itself: format, grace period, date |
| `h` | the chain value of the last ledger record (streams.bookkeeper) |

Counts are not stored: they are the sums of the days. The keys begin with letters; a key that begins with `@` belongs to
the store.
"""

import json
import struct
from collections.abc import Iterable, MutableMapping
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

from schemas.mappings import company_from, company_mapping, policy_from, policy_mapping
from schemas.records import Company, Day, Policy
from streams.core.company import AtRest, CompanyBook, RowFields
from streams.core.policies import Policies
from streams.core.policy_state import PolicyState
from streams.core.postings import DayRow

# The version of the rows and of the rules that folded them: a book of another format is folded again from its journal.
# Format 1 had no renewals.
FORMAT: Final = 2

BOOK_KEY: Final = b"b"
_DAY: Final = struct.Struct(">i")
_PAIR: Final = struct.Struct("<Ii")

_KINDS_HELD: Final = (b"s", b"p", b"c", b"r", b"d")

Rows = dict[bytes, bytes]
StateRows = MutableMapping[bytes, bytes]


@runtime_checkable
class Ranged(Protocol):
    """Rows that can be read by the prefix of their keys."""

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


def day_prefix(company_id: str) -> bytes:
    """The keys of a company's days, without the day."""
    return b"d" + company_id.encode() + b" "


def day_of(key: bytes) -> tuple[str, Day]:
    return key[1 : -_DAY.size - 1].decode(), _DAY.unpack(key[-_DAY.size :])[0]


def pack_day(row: DayRow) -> bytes:
    # Sorted, so that the bytes do not depend on pairs that came and cancelled each other.
    if len(row) == 1:
        ((pair, quantity),) = row.items()
        return _PAIR.pack(pair, quantity) if quantity else b""
    return b"".join([_PAIR.pack(pair, quantity) for pair, quantity in sorted(row.items()) if quantity])


def unpack_day(value: bytes) -> DayRow:
    return dict(_PAIR.iter_unpack(value))


def pack_company(fields: RowFields) -> bytes:
    today, has_facts, *states = fields
    return _json({"today": today, "has_facts": has_facts, "standings": states})


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
    """What the rows hold, unpacked."""

    cursors: dict[tuple[str, int], int]
    policies: Policies
    companies: dict[str, CompanyBook]


def unpack(rows: StateRows) -> State:
    """Unpack all rows but those of workers, which are read when a fact of the worker arrives."""
    sources, policy_rows, company_rows_, registered_rows, day_rows = _held(rows)
    policies = Policies()
    for _, value in policy_rows:
        policies.put(*unpack_policy(value))
    registered = {key[1:].decode(): unpack_registered(value) for key, value in registered_rows}
    days: dict[str, dict[Day, DayRow]] = {}
    for key, value in day_rows:
        company_id, on = day_of(key)
        days.setdefault(company_id, {})[on] = unpack_day(value)
    companies = {}
    for key, value in company_rows_:
        company_id = key[1:].decode()
        fields = json.loads(value)
        states = [PolicyState(policies.by_id[policy_id][0], *state) for policy_id, *state in fields["standings"]]
        at_rest = AtRest(fields["has_facts"], registered.get(company_id), days.get(company_id, {}), states)
        companies[company_id] = CompanyBook(company_id, fields["today"], policies, at_rest)
    assert registered.keys() | days.keys() <= companies.keys(), "a company has rows, and none of its own"
    return State({source_of(key): int(value) for key, value in sources}, policies, companies)


def _held(rows: StateRows) -> list[list[tuple[bytes, bytes]]]:
    """The rows of each kind in _KINDS_HELD. Rows of workers are not read if `rows` can be read by prefix."""
    if isinstance(rows, Ranged):
        return [list(rows.starting_with(kind)) for kind in _KINDS_HELD]
    found: dict[bytes, list[tuple[bytes, bytes]]] = {kind: [] for kind in _KINDS_HELD}
    for key in rows:
        if key[:1] in found:
            found[key[:1]].append((key, rows[key]))
    return list(found.values())


def company_rows(company: CompanyBook) -> Rows:
    """The rows of a company that changed since the last call, its workers apart."""
    prefix = day_prefix(company.company_id)
    days, fields = company.take_changes()
    changed = {prefix + _DAY.pack(on): pack_day(row) for on, row in days.items()}
    if fields is not None:
        changed[company_key(company.company_id)] = pack_company(fields)
    return changed


def _json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()
