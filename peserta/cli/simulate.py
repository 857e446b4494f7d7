"""`peserta simulate`: the offline book."""

import sys
from typing import Annotated

import typer

from peserta.cli.arguments import (
    AsOf,
    CompaniesFile,
    FactFiles,
    GraceDays,
    PoliciesFile,
    no_facts_in,
)
from peserta.cli.screen import err
from peserta.intake.fact_files import FactFiles as FactLines
from peserta.intake.reference_files import read_rules
from peserta.operations.failure import Rejected
from peserta.operations.unmatched_scopes import unmatched_scopes
from schemas.dates import day
from schemas.fact_json import json_line
from streams.core.book import GRACE_DAYS_DEFAULT
from streams.core.simulate import DateTooEarly
from streams.core.simulate import simulate as fold

LINES_PER_WRITE = 1_000


def simulate(
    files: FactFiles,
    as_of: AsOf,
    policies: PoliciesFile = None,
    companies: CompaniesFile = None,
    grace_days: GraceDays = GRACE_DAYS_DEFAULT,
    dump: Annotated[str | None, typer.Option(help="`ledger` prints the postings and nothing else.")] = None,
) -> None:
    """Fold files of facts offline, with the same rules as the service, and print what the service would.

    Prints JSON lines: dispositions that are not `applied`, alerts, and the figures of each company on a date.

    Example: peserta simulate --policies policies.yaml --as-of 2025-12-31 facts.ndjson
    """
    if dump not in (None, "ledger"):
        raise Rejected(f"--dump takes `ledger`, not `{dump}`.")
    rules = read_rules(policies, companies, grace_days)
    for doubt in unmatched_scopes([(p.policy_id, p.scope) for p in rules.policies], rules.companies):
        err.print(f"Note: {doubt}.")
    facts = FactLines(files)
    try:
        waiting = []
        for fields in fold(facts, rules, day(as_of), dump_ledger=dump is not None):
            waiting.append(json_line(fields))
            if len(waiting) >= LINES_PER_WRITE:
                write_lines(waiting)
        write_lines(waiting)
    except DateTooEarly as error:
        raise Rejected(f"{error}.") from error
    if empty := facts.without_facts():
        err.print(no_facts_in(empty), markup=False, soft_wrap=True)


def write_lines(lines: list[str]) -> None:
    """Write lines as UTF-8, whatever the terminal's encoding, and empty the list."""
    sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode())
    sys.stdout.buffer.flush()
    lines.clear()
