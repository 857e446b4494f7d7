"""The result of a run in the form of `simulate`: dispositions, alerts and companies, read from the service."""

from collections.abc import Iterator

from peserta.demo.evidence import Evidence
from peserta.demo.proof import recorder_letters
from peserta.demo.run import Sent
from schemas.public_json import JsonObject
from schemas.vocabulary import APPLIED
from streams.core.simulate import alert_line, disposition_line

DEAD_LETTER = "dead_letter:"


def answers(sent: Sent, evidence: Evidence) -> Iterator[JsonObject]:
    """Dispositions in line order, alerts by company and then in their own order, companies by id."""
    yield from sorted(_dispositions(sent, evidence), key=lambda fields: fields["line"])
    for alert in sorted(evidence.alerts, key=lambda alert: alert.company_id):
        entry = evidence.journal.get((alert.journal_partition, alert.journal_offset))
        line = sent.lines[entry.came_from] if entry is not None and alert.cause == "fact" else None
        yield alert_line(alert, line)
    for _, company in sorted(evidence.companies.items()):
        yield company


def _dispositions(sent: Sent, evidence: Evidence) -> Iterator[JsonObject]:
    for number, refusal in sent.refused.items():
        yield disposition_line(number, refusal.event_id, DEAD_LETTER + refusal.reason)
    for at, reason in recorder_letters(evidence).items():
        if at in sent.lines:
            yield disposition_line(sent.lines[at], evidence.dead_letters[at].event_id, DEAD_LETTER + reason)
    for journal_at, record in evidence.ledger.items():
        if record.disposition != APPLIED:
            line = sent.lines[evidence.journal[journal_at].came_from]
            yield disposition_line(line, record.event_id, record.disposition)
