"""Findings of an audit as a table for people."""

from collections.abc import Iterable, Iterator

from peserta.cli.screen import table
from peserta.cli.tables import Sheet
from peserta.operations.audit.findings import Finding, by_claim


def findings_table(title: str, findings: Iterable[Finding]) -> Sheet:
    """One row for each claim, over all places."""
    rows = [("✔" if f.holds else "✘", f.claim, f.compared, f.missing, f.extra, f.different) for f in by_claim(findings)]
    columns = ("", "claim", "compared", "missing", "extra", "different")
    return table(title, columns, rows, right=columns[2:], prose=("claim",))


def named(findings: Iterable[Finding]) -> Iterator[str]:
    """What does not hold, with where; it may look like markup, as names come from the topics."""
    for finding in findings:
        yield from (f"{finding.where}, {finding.claim}: {one}" for one in finding.named)
