"""The offline book (SEMANTICS 8): the same core over files, and the JSON objects that it prints."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from schemas.admission import Refusal
from schemas.dates import day_text, jakarta_day, jakarta_midnight
from schemas.fact_json import admit
from schemas.ledger_lines import posting
from schemas.records import (
    TICK_SOURCE,
    WINDOW_DAYS,
    Alert,
    Company,
    CompanySet,
    Coordinates,
    Day,
    FactEntry,
    Figures,
    Instant,
    Policy,
    PolicySet,
    Tick,
)
from schemas.vocabulary import APPLIED, EMPLOYMENT_TYPES, PROGRAMMES, ClassParts, programme_names
from streams.core.book import GRACE_DAYS_DEFAULT, Book, Outcome
from streams.core.figures import figures
from streams.core.timeline import LONG_AGO

JsonObject = dict[str, Any]

# Fields of an alert that name the journal or its clock: an offline book has no journal.
_JOURNAL_FIELDS = ("journal_partition", "journal_offset", "recorded_at")


class Latest(NamedTuple):
    """The latest business date of a company, and the line that set it."""

    on: Day
    company_id: str
    line: int


class DateTooEarly(Exception):
    """The date asked for lies before a company's business date."""

    def __init__(self, as_of: Day, latest: Latest) -> None:
        on = day_text(latest.on)
        super().__init__(
            f"--as-of {day_text(as_of)} lies before {on}, the business date of company {latest.company_id!r} (line "
            f"{latest.line} was recorded then): ask for {on} or later"
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """Policies, registry and grace period that apply before the first line."""

    policies: Sequence[Policy] = ()
    companies: Sequence[Company] = ()
    grace_days: int = GRACE_DAYS_DEFAULT


class Simulation:
    """A book that is fed line by line. With `dump_ledger` it prints only postings."""

    def __init__(self, rules: Rules, *, dump_ledger: bool = False) -> None:
        self.book = Book(rules.grace_days)
        self._dump_ledger = dump_ledger
        self._entries = 0
        self._latest = Latest(LONG_AGO, "", 0)
        for policy in rules.policies:
            self.book.apply(PolicySet(self._coordinates("policies"), BEFORE_THE_FIRST_LINE, policy), 0)
        for company in rules.companies:
            self.book.apply(CompanySet(self._coordinates("companies"), BEFORE_THE_FIRST_LINE, company), 0)

    def _coordinates(self, topic: str) -> Coordinates:
        self._entries += 1
        return Coordinates(topic, 0, self._entries)

    def line(self, number: int, raw: bytes) -> Iterator[JsonObject]:
        """What to print for one line: alerts of the dates it opens, its disposition, alerts of its own evaluation."""
        admitted = admit(raw)
        if isinstance(admitted, Refusal):
            if not self._dump_ledger:
                yield disposition_line(number, admitted.event_id, f"dead_letter:{admitted.reason}")
            return
        fact, recorded_at = admitted
        outcome = self.book.apply(FactEntry(self._coordinates("facts"), recorded_at, fact), number)
        assert outcome is not None
        if (on := jakarta_day(recorded_at)) > self._latest.on:
            self._latest = Latest(on, fact.company_id, number)
        alerts = self.book.take_alerts()
        if self._dump_ledger:
            yield from posting_lines(number, fact.company_id, fact.event_id, outcome)
            return
        if not alerts and outcome.disposition == APPLIED:
            return  # the common case
        yield from (alert_line(alert, None) for alert in alerts if alert.cause == "date")
        if outcome.disposition != APPLIED:
            yield disposition_line(number, fact.event_id, outcome.disposition)
        yield from (alert_line(alert, number) for alert in alerts if alert.cause == "fact")

    def close(self, as_of: Day) -> Iterator[JsonObject]:
        """The final Tick and the companies. DateTooEarly when a company is past that date."""
        with_facts = [company for company in self.book.companies.values() if company.has_facts]
        if as_of < self._latest.on:
            raise DateTooEarly(as_of, self._latest)
        if self._dump_ledger or not with_facts:
            return
        self.book.apply(Tick(Coordinates(TICK_SOURCE, 0, as_of), jakarta_midnight(as_of), as_of), 0)
        yield from (alert_line(alert, None) for alert in self.book.take_alerts())
        for company in sorted(with_facts, key=lambda company: company.company_id):
            yield company_line(figures(company))


# Earlier than every date, so it moves no company's date.
BEFORE_THE_FIRST_LINE: Instant = LONG_AGO


def simulate(
    lines: Iterable[tuple[int, bytes]], rules: Rules, as_of: Day, *, dump_ledger: bool = False
) -> Iterator[JsonObject]:
    """Numbered lines -> the objects to print, in order. After DateTooEarly, discard what was printed before."""
    simulation = Simulation(rules, dump_ledger=dump_ledger)
    for number, raw in lines:
        yield from simulation.line(number, raw)
    yield from simulation.close(as_of)


# ---------------------------------------------------------------- the forms of section 8


def disposition_line(line: int, event_id: str | None, disposition: str) -> JsonObject:
    return {"kind": "disposition", "line": line, "event_id": event_id, "disposition": disposition}


def alert_line(alert: Alert, line: int | None) -> JsonObject:
    fields = asdict(alert)
    for name in _JOURNAL_FIELDS:
        del fields[name]
    fields["business_date"] = day_text(alert.business_date)
    fields["episode_start"] = day_text(alert.episode_start)
    return {"kind": "alert", "line": line, **fields}


def company_line(f: Figures) -> JsonObject:
    by_type = {
        EMPLOYMENT_TYPES[t]: {"active": active, "covered": covered} for t, active, covered in f.by_employment_type
    }
    windows = {str(days): window._asdict() for days, window in zip(WINDOW_DAYS, f.windows, strict=True)}
    return {
        "kind": "company",
        "company_id": f.company_id,
        "as_of": day_text(f.as_of),
        "active": f.active,
        "covered": f.covered,
        "uncovered": f.uncovered,
        "uncovered_new": f.uncovered_new,
        "enrolled": dict(zip(PROGRAMMES, f.enrolled, strict=True)),
        "by_employment_type": by_type,
        "coverage_bp": f.coverage_bp,
        "coverage_due_bp": f.coverage_due_bp,
        "windows": windows,
        "policies": [
            {
                "policy_id": p.policy_id,
                "state": p.state,
                "since": None if p.since is None else day_text(p.since),
                "gap_people": p.gap_people,
            }
            for p in f.policies
        ],
    }


def posting_lines(line: int, company_id: str, event_id: str, outcome: Outcome) -> Iterator[JsonObject]:
    for number, posted in enumerate(map(posting, outcome.lines), 1):
        yield {
            "kind": "posting",
            "line": line,
            "posting": number,
            "company_id": company_id,
            "event_id": event_id,
            "value_on": day_text(posted.value_on),
            "before": class_object(posted.before),
            "after": class_object(posted.after),
            "quantity": posted.quantity,
        }


def class_object(parts: ClassParts | None) -> JsonObject | None:
    """A class as JSON; None is OUTSIDE."""
    if parts is None:
        return None
    return {
        "employment_type": EMPLOYMENT_TYPES[parts.employment_type],
        "programmes": programme_names(parts.programmes),
        "new": parts.new,
    }
