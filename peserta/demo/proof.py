"""The proof: what the service says, held against the offline book over the exported journal, count by count."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, TypeVar

from peserta.demo.evidence import At, Evidence, ledger_rows
from peserta.demo.material import Material
from peserta.demo.run import Sent
from schemas.admission import Refusal
from schemas.dates import day_text, instant_text
from schemas.fact_json import FactLine, admit, line_of
from schemas.public_json import JsonObject, class_json
from schemas.records import Alert, Coordinates
from schemas.vocabulary import APPLIED
from streams.core.simulate import alert_line, simulate

DIFFERENCES_KEPT_MAX: Final = 5
DIFFERENCE_LENGTH_MAX: Final = 400
DEAD_LETTER: Final = "dead_letter:"

T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """One comparison: how many things were compared, how many differ, and the first of them."""

    claim: str
    compared: int
    differing: int = 0
    differences: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.differing == 0


def prove(material: Material, sent: Sent, evidence: Evidence) -> list[Check]:
    """Every check, in the order of the way of a fact."""
    numbered = list(enumerate(evidence.journal, 1))
    lines = [(number, line_of(e.fact, e.recorded_at).encode()) for number, e in _facts(evidence)]
    offline = list(simulate(lines, evidence.rules_in_journal, material.as_of))
    postings = simulate(lines, evidence.rules_in_journal, material.as_of, dump_ledger=True)
    return [
        _rules_arrived(material, evidence),
        _every_line_was_sent_or_refused(material, sent),
        _facts_arrived(material, sent, evidence),
        _every_record_has_one_disposition(sent, evidence),
        _refused_for_the_expected_reason(material, sent, evidence),
        _dispositions(evidence, offline),
        _dead_letters_of_the_book(evidence),
        _compare("ledger lines: service = offline book", _service_postings(evidence), _offline_postings(postings)),
        _compare(
            "ledger lines: ClickHouse = service", _by_line(evidence.clickhouse_lines), _by_line(ledger_rows(evidence))
        ),
        _sums(evidence),
        _compare(
            "alerts, in order for each company: service = offline book", *_alerts(evidence, offline, dict(numbered))
        ),
        _compare("alerts: ClickHouse = service", *_clickhouse_alerts(evidence)),
        _compare("companies, all figures: ClickHouse = offline book", evidence.companies, _companies(offline)),
        _counts(evidence),
    ]


def _facts(evidence: Evidence) -> Iterable[tuple[int, Any]]:
    return enumerate(evidence.journal.values(), 1)


def _compare(claim: str, found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> Check:
    """Key by key: missing, unexpected, different."""
    differing = [key for key in expected if key not in found or found[key] != expected[key]]
    differing += [key for key in found if key not in expected]
    shown = tuple(
        f"{key}: {found.get(key, 'nothing')} and not {expected.get(key, 'nothing')}"[:DIFFERENCE_LENGTH_MAX]
        for key in differing[:DIFFERENCES_KEPT_MAX]
    )
    return Check(claim, len(expected), len(differing), shown)


# ---------------------------------------------------------------- records and dispositions


def _rules_arrived(material: Material, evidence: Evidence) -> Check:
    expected = {("policy", p.policy_id): p for p in material.rules.policies} | {
        ("company", c.company_id): _without_contacts(c) for c in material.rules.companies
    }
    found = {("policy", p.policy_id): p for p in evidence.exported.policies.values()} | {
        ("company", c.company_id): _without_contacts(c) for c in evidence.exported.companies.values()
    }
    return _compare("policies and registry entries: journal = files", found, expected)


def _without_contacts(company: Any) -> dict[str, Any]:
    """Contacts are for whoever delivers alerts; the journal does not carry them."""
    return {name: value for name, value in asdict(company).items() if name != "contacts"}


def recorder_letters(evidence: Evidence) -> dict[Coordinates, str]:
    """Dead letters by the recorder: those whose record is not in the journal."""
    in_journal = {entry.came_from for entry in evidence.journal.values()}
    return {at: letter.reason for at, letter in evidence.dead_letters.items() if at not in in_journal}


def _every_line_was_sent_or_refused(material: Material, sent: Sent) -> Check:
    found = Counter([*sent.lines.values(), *sent.refused])
    return _compare("lines: published or refused, each once", found, {number: 1 for number, _ in material.lines})


def _facts_arrived(material: Material, sent: Sent, evidence: Evidence) -> Check:
    """What the journal holds is what was published, and all of it that admission takes."""
    found = {e.came_from: FactLine(e.fact, e.recorded_at) for e in evidence.journal.values()}
    admitted = _admitted(material, sent)
    expected = {at: fact for at, fact in admitted.items() if isinstance(fact, FactLine)}
    return _compare("facts: journal = lines published", found, expected)


def _admitted(material: Material, sent: Sent) -> dict[Coordinates, FactLine | Refusal]:
    """What admission says to each published line."""
    lines = dict(material.lines)
    return {at: admit(lines[number]) for at, number in sent.lines.items() if number in lines}


def _every_record_has_one_disposition(sent: Sent, evidence: Evidence) -> Check:
    said = Counter(entry.came_from for at, entry in evidence.journal.items() if at in evidence.ledger)
    said.update(recorder_letters(evidence).keys())
    expected = dict.fromkeys([*sent.lines, *sent.raw], 1)
    check = _compare("records published = dispositions", said, expected)
    extra = evidence.repeated_ledger
    return Check(check.claim, check.compared, check.differing + extra, check.differences)


def _refused_for_the_expected_reason(material: Material, sent: Sent, evidence: Evidence) -> Check:
    expected = {at: raw.reason for at, raw in sent.raw.items()}
    expected |= {at: why.reason for at, why in _admitted(material, sent).items() if isinstance(why, Refusal)}
    return _compare("records refused by the recorder: reason as expected", recorder_letters(evidence), expected)


def _dispositions(evidence: Evidence, offline: Sequence[JsonObject]) -> Check:
    said = {o["line"]: o["disposition"] for o in offline if o["kind"] == "disposition"}
    expected = {at: said.get(number, APPLIED) for number, at in enumerate(evidence.journal, 1)}
    found = {at: record.disposition for at, record in evidence.ledger.items()}
    return _compare("dispositions of facts: service = offline book", found, expected)


def _dead_letters_of_the_book(evidence: Evidence) -> Check:
    """A fact that the book refuses has its dead letter, with the same reason."""
    facts = {at: entry.came_from for at, entry in evidence.journal.items()}
    expected = {
        facts[at]: record.disposition.removeprefix(DEAD_LETTER)
        for at, record in evidence.ledger.items()
        if record.disposition.startswith(DEAD_LETTER) and at in facts
    }
    letters = evidence.dead_letters
    found = {at: letters[at].reason for at in facts.values() if at in letters}
    return _compare("facts refused by the book: dead letters = dispositions", found, expected)


# ---------------------------------------------------------------- ledger


def _service_postings(evidence: Evidence) -> dict[tuple[int, int], tuple[Any, ...]]:
    """(line of the exported journal, posting) -> the posting as section 8 prints it."""
    found = {}
    for number, at in enumerate(evidence.journal, 1):
        record = evidence.ledger.get(at)
        for posting, line in enumerate(record.lines if record else (), 1):
            sides = class_json(line.before), class_json(line.after)
            found[number, posting] = (record and record.company_id, day_text(line.value_on), *sides, line.quantity)
    return found


def _offline_postings(postings: Iterable[JsonObject]) -> dict[tuple[int, int], tuple[Any, ...]]:
    names = ("company_id", "value_on", "before", "after", "quantity")
    return {(p["line"], p["posting"]): tuple(p[name] for name in names) for p in postings}


def _by_line(rows: Iterable[Sequence[Any]]) -> dict[Any, tuple[Any, ...]]:
    return _told_apart((tuple(row[:3]), _plain(row[3:])) for row in rows)


def _told_apart(pairs: Iterable[tuple[Any, T]]) -> dict[Any, T]:
    """Pairs as a mapping in which a second value of a key stands beside the first: nothing may come twice unseen."""
    times: Counter[Any] = Counter()
    placed = {}
    for key, value in pairs:
        times[key] += 1
        placed[key if times[key] == 1 else (key, times[key])] = value
    return placed


def _plain(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(list(v) if isinstance(v, list | tuple) else int(v) if isinstance(v, bool) else v for v in values)


def _sums(evidence: Evidence) -> Check:
    """The ledger alone gives the headcounts: sum of the quantities up to the date."""
    heads: Counter[str] = Counter()
    for record in evidence.ledger.values():
        as_of = evidence.companies.get(record.company_id, {}).get("as_of", "")
        for line in record.lines:
            if day_text(line.value_on) <= as_of:
                heads[record.company_id] += line.quantity * ((line.after is not None) - (line.before is not None))
    expected = {company_id: heads[company_id] for company_id in evidence.companies}
    found = {company_id: company["active"] for company_id, company in evidence.companies.items()}
    return _compare("headcounts: figures = sums of the ledger", found, expected)


# ---------------------------------------------------------------- alerts, figures, counts


def _alerts(
    evidence: Evidence, offline: Sequence[JsonObject], at_of_line: Mapping[int, At]
) -> tuple[dict[tuple[str, int], Any], dict[tuple[str, int], Any]]:
    line_of_at = {at: number for number, at in at_of_line.items()}
    found = [
        alert_line(
            alert, line_of_at.get((alert.journal_partition, alert.journal_offset)) if alert.cause == "fact" else None
        )
        for alert in evidence.alerts
    ]
    return _in_order(found), _in_order(o for o in offline if o["kind"] == "alert")


def _in_order(alerts: Iterable[JsonObject]) -> dict[tuple[str, int], JsonObject]:
    """(company, number within the company) -> alert."""
    numbers: Counter[str] = Counter()
    placed = {}
    for alert in alerts:
        numbers[alert["company_id"]] += 1
        placed[alert["company_id"], numbers[alert["company_id"]]] = alert
    return placed


def _clickhouse_alerts(evidence: Evidence) -> tuple[dict[Any, Any], dict[Any, Any]]:
    names = [f.name for f in fields(Alert)]
    found = _told_apart(
        ((row["alert_id"], row["status"]), [_text(row[name]) for name in names]) for row in evidence.clickhouse_alerts
    )
    expected = _told_apart(
        ((a.alert_id, a.status), [_alert_text(name, getattr(a, name)) for name in names]) for a in evidence.alerts
    )
    return found, expected


def _text(value: Any) -> str:
    if hasattr(value, "timestamp"):
        return instant_text(round(value.timestamp() * 1000))
    return "" if value is None else str(value)


def _alert_text(name: str, value: Any) -> str:
    if name in ("business_date", "episode_start"):
        return day_text(value)
    return instant_text(value) if name == "recorded_at" else _text(value)


def _companies(offline: Sequence[JsonObject]) -> dict[str, JsonObject]:
    return {o["company_id"]: o for o in offline if o["kind"] == "company"}


def _counts(evidence: Evidence) -> Check:
    expected = {"facts": len(evidence.journal), "dead letters": len(evidence.dead_letters)}
    found = {"facts": evidence.clickhouse_facts, "dead letters": evidence.clickhouse_dead_letters}
    check = _compare("facts and dead letters: ClickHouse = topics", found, expected)
    return Check(check.claim, sum(expected.values()), check.differing, check.differences)


def failures(checks: Iterable[Check]) -> Iterator[str]:
    """What does not hold, in sentences."""
    for check in checks:
        if not check.holds:
            yield f"{check.claim}: {check.differing} differ"
            yield from (f"  {difference}" for difference in check.differences)
