"""The offline book (SEMANTICS 8): the same core over files, and the JSON objects that it prints, each with its line."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.admission import Refusal
from schemas.dates import day_text, jakarta_day, jakarta_midnight
from schemas.fact_json import admit
from schemas.ledger_lines import posting
from schemas.public_json import JsonObject, alert_json, disposition_json, figures_json, posting_json
from schemas.records import (
    TICK_SOURCE,
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
from schemas.vocabulary import APPLIED
from streams.core.book import GRACE_DAYS_DEFAULT, Book, Outcome
from streams.core.figures import figures
from streams.core.timeline import LONG_AGO


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


# ---------------------------------------------------------------- the forms of section 8: an object and its line


def disposition_line(line: int, event_id: str | None, disposition: str) -> JsonObject:
    return {"kind": "disposition", "line": line, **disposition_json(event_id, disposition)}


def alert_line(alert: Alert, line: int | None) -> JsonObject:
    return {"kind": "alert", "line": line, **alert_json(alert)}


def company_line(found: Figures) -> JsonObject:
    return {"kind": "company", **figures_json(found)}


def posting_lines(line: int, company_id: str, event_id: str, outcome: Outcome) -> Iterator[JsonObject]:
    for number, posted in enumerate(map(posting, outcome.lines), 1):
        yield {"kind": "posting", "line": line, "posting": number, **posting_json(company_id, event_id, posted)}
