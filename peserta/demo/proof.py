"""The proof: the audit of the book, and the checks that need the demonstration's input and expected results.

The audit folds the journal again and compares ledger, alerts, snapshots, dead letters, state and ClickHouse with the
result. It covers what the topics hold, as far as the workers have come. The proof adds that the workers have reached
the end, that the files are in the topics, and that the views have the figures of the offline book.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from peserta.demo.evidence import Evidence
from peserta.demo.material import Material
from peserta.demo.run import Sent
from peserta.operations.audit.findings import EVERYWHERE, Finding, by_claim, compare
from schemas.admission import Refusal
from schemas.dates import day_text
from schemas.fact_json import FactLine, admit, line_of
from schemas.public_json import JsonObject
from schemas.records import Coordinates
from streams.core.simulate import simulate

NO_FIGURES: Final = frozenset(("kind", "company_id"))


def prove(material: Material, sent: Sent, evidence: Evidence) -> list[Finding]:
    """All findings, one for each claim: first the input, then the audit, then the figures."""
    return [
        _rules_arrived(material, evidence),
        _every_line_was_sent_or_refused(material, sent),
        _facts_arrived(material, sent, evidence),
        _refused_for_the_expected_reason(material, sent, evidence),
        _audited_to_the_end(sent, evidence),
        *by_claim(evidence.report.findings),
        _dead_letters(evidence),
        _sums(evidence),
        _figures(material, evidence),
    ]


def _compare(claim: str, expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> Finding:
    return compare(claim, EVERYWHERE, expected, found)


def _rules_arrived(material: Material, evidence: Evidence) -> Finding:
    claim, rules = "policies and registry entries: journal = files", evidence.exported
    expected = {("policy", p.policy_id): p for p in material.rules.policies}
    found = {("policy", p.policy_id): p for p in rules.policies.values()}
    registered = {("company", c.company_id): _without_contacts(c) for c in material.rules.companies}
    recorded = {("company", c.company_id): _without_contacts(c) for c in rules.companies.values()}
    return _compare(claim, {**expected, **registered}, {**found, **recorded})


def _without_contacts(company: Any) -> dict[str, Any]:
    """The journal has no contacts: only the delivery of alerts uses them."""
    return {name: value for name, value in asdict(company).items() if name not in ("contacts", "team")}


def _every_line_was_sent_or_refused(material: Material, sent: Sent) -> Finding:
    found = Counter([*sent.lines.values(), *sent.refused])
    return _compare("lines: published or refused, each once", {number: 1 for number, _ in material.lines}, found)


def _facts_arrived(material: Material, sent: Sent, evidence: Evidence) -> Finding:
    """The journal has exactly the published lines that admission accepts."""
    found = {e.came_from: FactLine(e.fact, e.recorded_at) for e in evidence.journal.values()}
    expected = {at: fact for at, fact in _admitted(material, sent).items() if isinstance(fact, FactLine)}
    return _compare("facts: journal = lines published", expected, found)


def _admitted(material: Material, sent: Sent) -> dict[Coordinates, FactLine | Refusal]:
    """The result of admission for each published line."""
    lines = dict(material.lines)
    return {at: admit(lines[number]) for at, number in sent.lines.items() if number in lines}


def recorder_letters(evidence: Evidence) -> dict[Coordinates, str]:
    """The recorder's dead letters, by coordinates: those whose record is not in the journal."""
    in_journal = {entry.came_from for entry in evidence.journal.values()}
    return {at: letter.reason for at, letter in evidence.dead_letters.items() if at not in in_journal}


def _refused_for_the_expected_reason(material: Material, sent: Sent, evidence: Evidence) -> Finding:
    expected = {at: raw.reason for at, raw in sent.raw.items()}
    expected |= {at: why.reason for at, why in _admitted(material, sent).items() if isinstance(why, Refusal)}
    claim = "records refused by the recorder: reason as expected"
    return _compare(claim, expected, recorder_letters(evidence))


def _audited_to_the_end(sent: Sent, evidence: Evidence) -> Finding:
    """The audit reached every published record.

    Other audits leave records in transit for the next one; here there are none.
    """
    finding = Finding("the audit reached every record published", EVERYWHERE)
    consumed = {one.source: one.next_offset for one in evidence.report.consumed}
    for at in (*sent.lines, *sent.raw):
        finding.compared += 1
        # A topic that is no longer inbound has no position: its facts are compared with the journal.
        if at.offset >= consumed.get((at.topic, at.partition), at.offset + 1):
            finding.wrong("missing", f"{at.topic}-{at.partition}, offset {at.offset}: not recorded")
    reached = {book.partition: (book.journal_next, book.clickhouse_next or 0) for book in evidence.report.kept}
    for partition, end in evidence.journal_ends.items():
        for place, until in zip(("the book", "ClickHouse"), reached.get(partition, (0, 0)), strict=True):
            if until < end:
                finding.wrong("missing", f"journal, partition {partition}: {place} has it up to {until} of {end}")
    return finding


def _dead_letters(evidence: Evidence) -> Finding:
    """Compare the dead letters of recorder and book in ClickHouse with the topics, each record once."""
    expected = {at: letter.reason for at, letter in evidence.dead_letters.items()}
    return _compare("dead letters: ClickHouse = topics", expected, evidence.refused)


def _sums(evidence: Evidence) -> Finding:
    """The headcounts follow from the ledger alone: the sum of the quantities up to the date."""
    heads: Counter[str] = Counter()
    for record in evidence.ledger.values():
        as_of = evidence.companies.get(record.company_id, {}).get("as_of", "")
        for line in record.lines:
            if day_text(line.value_on) <= as_of:
                heads[record.company_id] += line.quantity * ((line.after is not None) - (line.before is not None))
    found = {company_id: company["active"] for company_id, company in evidence.companies.items()}
    return _compare("headcounts: figures = sums of the ledger", {company: heads[company] for company in found}, found)


def _figures(material: Material, evidence: Evidence) -> Finding:
    """Compare each figure of each company with the offline book's, folded from the exported journal."""
    lines = [(n, line_of(e.fact, e.recorded_at).encode()) for n, e in enumerate(evidence.journal.values(), 1)]
    offline = simulate(lines, evidence.rules_in_journal, material.as_of)
    expected = dict(_each_figure(line for line in offline if line["kind"] == "company"))
    found = dict(_each_figure(evidence.companies.values()))
    return _compare("companies, all figures: ClickHouse = offline book", expected, found)


def _each_figure(companies: Iterable[JsonObject]) -> Iterator[tuple[str, Any]]:
    for company in companies:
        for name in company.keys() - NO_FIGURES:
            yield f"{company['company_id']}: {name}", company[name]
