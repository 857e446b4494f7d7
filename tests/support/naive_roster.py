"""Section 11's table done the slow way, as JSON objects: names instead of masks, and the naive fold of a worker.

Two sentences of the contract decide where its table alone would not lead to the roster: "after the facts are in the
book, its state at the end of D is the roster", and an id that is known already has no effect a second time.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from peserta.intake.rosters.roster import Roster, RosterRow
from schemas.dates import day_text, instant, instant_text
from schemas.fact_json import FactLine, line_of, read_record
from schemas.records import Fact
from schemas.vocabulary import EMPLOYMENT_TYPES, KINDS, programme_names
from tests.support.naive_timeline import standing_facts, state_on

Line = dict[str, Any]


def naive_comparison(roster: Roster, facts: Iterable[Fact]) -> list[Line]:
    """The lines of section 1 that the roster asks for, in order."""
    of_worker: dict[str, list[Fact]] = {}
    for fact in facts:
        of_worker.setdefault(fact.worker_id, []).append(fact)
    rows = {row.worker_id: row for row in roster.rows}
    lines = []
    for worker in sorted({*rows, *of_worker}):
        known = tuple(of_worker.get(worker, ()))
        lines += _Worker(roster, worker, known).lines(rows.get(worker))
    return lines


class _Worker:
    def __init__(self, roster: Roster, worker: str, known: tuple[Fact, ...]) -> None:
        self.roster, self.worker, self.known = roster, worker, known
        self.d = day_text(roster.roll.day)
        self.columns = set(programme_names(roster.columns))

    def state(self, more: Iterable[Line] = ()) -> tuple[str | None, set[str]]:
        further = [read_record(json.dumps(line).encode()) for line in more]
        facts = self.known + tuple(read.fact for read in further if isinstance(read, FactLine))
        state = state_on(facts, self.roster.roll.day)
        return state.employment_type, set(state.programmes)

    def lines(self, row: RosterRow | None) -> list[Line]:
        employment_type, _ = self.state()
        if row is None:
            unread = self.roster.unread.is_anybody or self.worker in self.roster.unread.workers
            gone = employment_type is not None and not unread
            return [self.line("termination", self.d, reason="unspecified")] if gone else []
        lines = []
        on, wanted = self.d, EMPLOYMENT_TYPES[row.employment_type]
        if employment_type is None:
            on = self.started_on(row)
            lines.append(self.line("hire", on, employment_type=wanted))
        elif employment_type != wanted:
            lines.append(self.line("hire", on, employment_type=wanted))
        elif row.started_on is not None and row.started_on <= self.roster.roll.day:
            on = self.hired_before_on(row) or on
        _, held = self.state(lines)
        listed = set(programme_names(row.programmes))
        if listed - held:
            enrolled = self.line("enrollment", on, action="enrolled", programmes=sorted(listed - held))
            if not listed <= self.state([*lines, enrolled])[1]:  # withdrawn between that date and D
                enrolled = self.line("enrollment", self.d, action="enrolled", programmes=sorted(listed - held))
            lines.append(enrolled)
        if surplus := held & self.columns - listed:
            lines.append(self.line("enrollment", self.d, action="withdrawn", programmes=sorted(surplus)))
        return lines

    def started_on(self, row: RosterRow) -> str:
        ended = [f.effective_on for f in standing_facts(self.known) if KINDS[f.kind] == "termination"]
        ended = [on for on in ended if on <= self.roster.roll.day]
        is_usable = (
            row.started_on is not None
            and row.started_on <= self.roster.roll.day
            and all(row.started_on > on for on in ended)
        )
        return day_text(row.started_on) if is_usable and row.started_on is not None else self.d

    def hired_before_on(self, row: RosterRow) -> str | None:
        """When this same roster has hired the worker, if an import of it was interrupted after that."""
        assert row.started_on is not None
        same = {"employment_type": EMPLOYMENT_TYPES[row.employment_type]}
        in_force = {fact.event_id for fact in standing_facts(self.known) if fact.effective_on <= self.roster.roll.day}
        ids = self.ids("hire", day_text(row.started_on), same, len(self.known) + 1)
        return day_text(row.started_on) if in_force & set(ids) else None

    def line(self, kind: str, on: str, **own: Any) -> Line:
        taken = {fact.event_id for fact in self.known} | {fact.corrects for fact in self.known}
        free = next(each for each in self.ids(kind, on, own, len(taken) + 1) if each not in taken)
        last = max((fact.occurred_at for fact in self.known), default=0)
        at = instant(f"{self.d}T16:59:59Z")
        return {
            "type": kind,
            "event_id": free,
            "company_id": self.roster.roll.company_id,
            "worker_id": self.worker,
            "effective_on": on,
            "occurred_at": instant_text(last + 1 if last >= at else at),
            "source": self.roster.roll.source,
            **own,
        }

    def ids(self, kind: str, on: str, own: Mapping[str, Any], many: int) -> list[str]:
        values = ["+".join(value) if isinstance(value, list) else value for value in own.values()]
        content = [kind, self.roster.roll.company_id, self.worker, on, self.roster.roll.source, *values]
        digests = [_digest("\n".join(content))]
        digests += [_digest(f"{digests[0]}\n{attempt}") for attempt in range(2, many + 1)]
        return [f"roster.{self.d.replace('-', '')}.{digest}" for digest in digests]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def lines_of(facts: Iterable[Fact]) -> list[Line]:
    """Facts as the same JSON objects."""
    return [json.loads(line_of(fact)) for fact in facts]


def is_roster(roster: Roster, facts: Iterable[Fact]) -> bool:
    """Whether the state at the end of the day is the roster, for programmes that have a column."""
    found = {}
    columns = set(programme_names(roster.columns))
    in_order = list(facts)
    for worker in {fact.worker_id for fact in in_order}:
        mine = tuple(fact for fact in in_order if fact.worker_id == worker)
        state = state_on(mine, roster.roll.day)
        if state.employment_type is not None:
            found[worker] = (state.employment_type, columns & set(state.programmes))
    wanted = {
        row.worker_id: (EMPLOYMENT_TYPES[row.employment_type], set(programme_names(row.programmes)))
        for row in roster.rows
    }
    return found == wanted
