"""Seals: the heads of the ledger's hash chains, to be stored elsewhere, and the check of a ledger against a seal."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from peserta.operations.audit.findings import Finding
from peserta.operations.audit.partition_audited import PartitionAudited
from peserta.operations.failure import Rejected
from schemas.chain import chain_of

FORMAT: Final = 1


def seal(kept: Iterable[PartitionAudited]) -> dict[str, Any]:
    """The content of a seal: for each partition the journal offset and the chain value of the last ledger record."""
    heads = {
        str(book.partition): {"journal_offset": max(book.ledger), "records": len(book.ledger), "chain": book.head.hex()}
        for book in kept
        if book.ledger
    }
    return {"seal": FORMAT, "partitions": heads}


def read_seal(path: Path) -> Mapping[str, Any]:
    """Read a seal from a file. Raises Failed if the file is not a seal."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["seal"] != FORMAT or not isinstance(found["partitions"], dict):
            raise ValueError("another format")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Rejected(f"{path} is no seal: take one with `peserta seal`.") from error
    sealed: Mapping[str, Any] = found["partitions"]
    return sealed


def check(sealed: Mapping[str, Any], kept: Iterable[PartitionAudited]) -> list[Finding]:
    """Check that the ledger has each sealed record with its chain value: then no earlier record has changed."""
    books = {str(book.partition): book for book in kept}
    findings = []
    for partition, head in sealed.items():
        finding = Finding("history ends in the seal", f"partition {partition}", head["records"])
        book = books.get(partition)
        value = book.ledger.get(head["journal_offset"]) if book else None
        if value is None:
            finding.wrong("missing", f"the sealed record of journal offset {head['journal_offset']}")
        elif chain_of(value).hex() != head["chain"]:
            finding.wrong("different", f"the chain at journal offset {head['journal_offset']}")
        findings.append(finding)
    return findings
